-- What a message loses when it is deleted, beside its text: an administrator can restore it.
ALTER TABLE chat.message_version ADD COLUMN mentions JSONB, ADD COLUMN forwarded_from JSONB;
