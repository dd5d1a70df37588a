-- The replies of a thread.
CREATE INDEX chat_message_thread_idx ON chat.chat_message (chat_id, thread_root_seq, seq) WHERE thread_root_seq IS NOT NULL;
-- The images of a chat, its SYSTEM messages … Most are TEXT, and cost nothing here.
CREATE INDEX chat_message_type_idx ON chat.chat_message (chat_id, type, seq) WHERE type <> 'TEXT';

-- Of a thread's replies, those that count as unread.
CREATE FUNCTION chat.thread_unread_count(h chat.chat_head, p chat.chat_participant, p_root_seq integer) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  base integer := greatest(p.read_seq, chat.bound(h, p));
  excluded text[] := chat.blocked_by(p.user_id) || p.user_id;
BEGIN
  RETURN (
    SELECT count(*) FROM chat.chat_message m
    WHERE m.chat_id = h.chat_id AND m.thread_root_seq = p_root_seq AND m.seq > base
      AND m.deleted_at IS NULL AND m.sender_id <> ALL (excluded) AND NOT chat.is_hidden(h.chat_id, m.seq, p.user_id));
END $$;

-- The first message of a chat from a time on; one above the newest, if there is none. Time does not run backwards in a chat
-- and its numbers have no hole, so that it is found by halving: some twenty probes, and no index by time.
CREATE FUNCTION chat.first_seq_since(h chat.chat_head, p_time timestamptz) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE STRICT SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  low integer := h.min_seq;
  high integer := h.last_seq + 1;
  middle integer;
BEGIN
  WHILE low < high LOOP
    middle := low + (high - low) / 2;
    -- (what retention has removed meanwhile was older than what is there)
    IF coalesce((SELECT m.created_at >= p_time FROM chat.chat_message m WHERE m.chat_id = h.chat_id AND m.seq = middle), false) THEN
      high := middle;
    ELSE
      low := middle + 1;
    END IF;
  END LOOP;
  RETURN low;
END $$;
