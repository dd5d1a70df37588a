-- What Prisma's language cannot say about the tables: checks, storage, and the indexes that are partial or over an expression.

-- Heads and participants are updated by every send. No changing column of theirs is indexed, and the free space keeps
-- the updates on their page (heap-only), so that no index grows with the number of sends.
ALTER TABLE chat.chat_head SET (fillfactor = 50);
ALTER TABLE chat.chat_participant SET (fillfactor = 70);
ALTER TABLE chat.user_inbox SET (fillfactor = 70);

ALTER TABLE chat.chat_user
  ADD CONSTRAINT chat_user_id_check CHECK (char_length(id) BETWEEN 1 AND 128 AND id !~ '[\u0001-\u001f\u007f-\u009f]'),
  ADD CONSTRAINT chat_user_display_name_check CHECK (char_length(display_name) <= 256),
  ADD CONSTRAINT chat_user_avatar_url_check CHECK (char_length(avatar_url) <= 2048),
  ADD CONSTRAINT chat_user_metadata_check CHECK (jsonb_typeof(metadata) = 'object');

ALTER TABLE chat.user_inbox
  ADD CONSTRAINT user_inbox_revision_check CHECK (inbox_revision >= 0 AND blocks_revision BETWEEN 0 AND inbox_revision);

ALTER TABLE chat.chat_session
  -- A DIRECT chat names its pair in the one order that both sides compute alike, and no other type names one.
  ADD CONSTRAINT chat_session_direct_check CHECK (
    CASE WHEN type = 'DIRECT' THEN direct_low IS NOT NULL AND direct_high IS NOT NULL AND direct_low COLLATE "C" < direct_high COLLATE "C"
         ELSE direct_low IS NULL AND direct_high IS NULL END),
  ADD CONSTRAINT chat_session_name_check CHECK (char_length(name) <= 256),
  ADD CONSTRAINT chat_session_avatar_url_check CHECK (char_length(avatar_url) <= 2048),
  ADD CONSTRAINT chat_session_description_check CHECK (char_length(description) <= 2048),
  ADD CONSTRAINT chat_session_client_chat_id_check CHECK (char_length(client_chat_id) BETWEEN 1 AND 128),
  ADD CONSTRAINT chat_session_external_ref_check CHECK (char_length(external_ref) BETWEEN 1 AND 256),
  ADD CONSTRAINT chat_session_labels_check CHECK (jsonb_typeof(labels) = 'object'),
  ADD CONSTRAINT chat_session_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
  ADD CONSTRAINT chat_session_slow_mode_check CHECK (slow_mode_seconds BETWEEN 0 AND 86400),
  ADD CONSTRAINT chat_session_retention_check CHECK (retention_days BETWEEN 1 AND 36500),
  ADD CONSTRAINT chat_session_request_check CHECK ((request_status IS NULL) = (requested_by_id IS NULL)),
  ADD CONSTRAINT chat_session_support_check CHECK ((support_status IS NULL) = (type <> 'SUPPORT'));

ALTER TABLE chat.chat_head
  ADD CONSTRAINT chat_head_counters_check CHECK (
    last_revision >= 0 AND last_seq >= 0 AND last_ordinal BETWEEN 0 AND last_seq AND last_ordinal_seq BETWEEN 0 AND last_seq
    AND min_seq BETWEEN 1 AND last_seq + 1 AND floor_revision BETWEEN 0 AND last_revision AND member_count >= 0);

ALTER TABLE chat.chat_participant
  ADD CONSTRAINT chat_participant_label_check CHECK (char_length(label) BETWEEN 1 AND 64),
  ADD CONSTRAINT chat_participant_watermarks_check CHECK (read_seq >= 0 AND read_seq <= delivered_seq),
  ADD CONSTRAINT chat_participant_bounds_check CHECK (visible_from_seq >= 1 AND cleared_seq >= 0 AND archived_seq >= 0),
  ADD CONSTRAINT chat_participant_revisions_check CHECK (revision > 0 AND join_revision > 0 AND join_revision <= revision AND inbox_revision > 0 AND sent_count >= 0);

ALTER TABLE chat.chat_message
  ADD CONSTRAINT chat_message_numbers_check CHECK (seq > 0 AND revision > 0 AND ordinal >= 0 AND sender_ordinal >= 0),
  -- Ordinals count what is not SYSTEM. SYSTEM messages have structured data instead of a text and a sender.
  ADD CONSTRAINT chat_message_system_check CHECK (
    CASE WHEN type = 'SYSTEM' THEN sender_id IS NULL AND system IS NOT NULL
         ELSE sender_id IS NOT NULL AND system IS NULL AND sender_ordinal > 0 END),
  ADD CONSTRAINT chat_message_content_check CHECK (char_length(content) <= 10000),
  ADD CONSTRAINT chat_message_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
  ADD CONSTRAINT chat_message_reply_check CHECK (reply_to_seq < seq AND thread_root_seq < seq),
  ADD CONSTRAINT chat_message_client_message_id_check CHECK (char_length(client_message_id) BETWEEN 1 AND 128),
  ADD CONSTRAINT chat_message_pinned_check CHECK ((pinned_at IS NULL) = (pinned_by_id IS NULL)),
  -- A message deleted for everyone keeps its numbers and loses what it said.
  ADD CONSTRAINT chat_message_deleted_check CHECK (deleted_at IS NULL OR (content IS NULL AND metadata = '{}'::jsonb AND mentions IS NULL AND reactions IS NULL));

-- Idempotency. SYSTEM messages have no sender, and their keys are unique in the chat too.
CREATE UNIQUE INDEX chat_message_key ON chat.chat_message (chat_id, coalesce(sender_id, ''), client_message_id);
-- A sender's messages in a chat: unread counts subtract them by the difference of two ordinals, slow mode reads the newest.
CREATE INDEX chat_message_sender_idx ON chat.chat_message (chat_id, sender_id, seq) INCLUDE (sender_ordinal) WHERE sender_id IS NOT NULL;
-- Deleted messages do not count as unread.
CREATE INDEX chat_message_deleted_idx ON chat.chat_message (chat_id, seq) INCLUDE (sender_id) WHERE deleted_at IS NOT NULL;

ALTER TABLE chat.message_read
  ADD CONSTRAINT message_read_interval_check CHECK (from_seq BETWEEN 1 AND to_seq);

ALTER TABLE chat.message_version
  ADD CONSTRAINT message_version_check CHECK (seq > 0 AND version > 0);

ALTER TABLE chat.user_block
  ADD CONSTRAINT user_block_self_check CHECK (user_id <> blocked_user_id);

ALTER TABLE chat.user_presence
  ADD CONSTRAINT user_presence_status_check CHECK (status IN ('AWAY', 'BUSY', 'INVISIBLE')),
  ADD CONSTRAINT user_presence_status_text_check CHECK (char_length(status_text) <= 256);

ALTER TABLE chat.meta ADD CONSTRAINT meta_one_row_check CHECK (id = 1);
INSERT INTO chat.meta (id, epoch) VALUES (1, gen_random_uuid());

-- Every user has an inbox, whoever inserts them.
CREATE FUNCTION chat.create_inbox() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO chat.user_inbox (user_id) VALUES (NEW.id);
  RETURN NULL;
END $$;

CREATE TRIGGER chat_user_inbox AFTER INSERT ON chat.chat_user FOR EACH ROW EXECUTE FUNCTION chat.create_inbox();
