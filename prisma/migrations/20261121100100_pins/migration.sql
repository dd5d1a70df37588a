-- The pinned messages of a chat, newest pin first.
CREATE INDEX chat_message_pinned_idx ON chat.chat_message (chat_id, pinned_at, seq) WHERE pinned_at IS NOT NULL;
