-- The public streams, newest first: ids are made in the order of time.
CREATE INDEX chat_session_stream_idx ON chat.chat_session (id) WHERE type = 'STREAM' AND deleted_at IS NULL;
