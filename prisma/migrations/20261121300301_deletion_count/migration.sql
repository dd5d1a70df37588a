-- CreateTable
CREATE TABLE "deletion_count" (
    "chat_id" UUID NOT NULL,
    "sender_id" TEXT NOT NULL,
    "level" INTEGER NOT NULL,
    "block" INTEGER NOT NULL,
    "count" INTEGER NOT NULL,

    CONSTRAINT "deletion_count_pkey" PRIMARY KEY ("chat_id","sender_id","level","block")
);

-- AddForeignKey
ALTER TABLE "deletion_count" ADD CONSTRAINT "deletion_count_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chat_session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- How many messages of a block of a chat are deleted, of all senders ('') and of each: so that deleted messages, which do not
-- count as unread, are not counted one by one by who is far behind. Blocks are of 256 messages, and of 32 of those below.
-- Replaces chat.unread_count and chat.delete_messages (the newest form of each, whole).
ALTER TABLE chat.deletion_count ADD CONSTRAINT deletion_count_check CHECK (level BETWEEN 0 AND 3 AND block >= 0);

CREATE FUNCTION chat.block_of(p_seq integer, p_level integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_seq >> (8 + 5 * p_level);

-- By whatever path a message is deleted or restored: under the lock of its chat's head.
CREATE FUNCTION chat.count_deletion() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO chat.deletion_count AS d (chat_id, sender_id, level, block, count)
  SELECT NEW.chat_id, s.id, l.level, chat.block_of(NEW.seq, l.level), CASE WHEN NEW.deleted_at IS NULL THEN -1 ELSE 1 END
  FROM unnest(ARRAY['', NEW.sender_id]) AS s (id), generate_series(0, 3) AS l (level)
  ON CONFLICT (chat_id, sender_id, level, block) DO UPDATE SET count = d.count + excluded.count;
  RETURN NULL;
END $$;

-- (What has no sender is a SYSTEM message, and never unread.)
CREATE TRIGGER chat_message_deletion AFTER UPDATE OF deleted_at ON chat.chat_message FOR EACH ROW
WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) AND NEW.sender_id IS NOT NULL) EXECUTE FUNCTION chat.count_deletion();

INSERT INTO chat.deletion_count (chat_id, sender_id, level, block, count)
SELECT m.chat_id, s.id, l.level, chat.block_of(m.seq, l.level), count(*)
FROM chat.chat_message m CROSS JOIN LATERAL unnest(ARRAY['', m.sender_id]) AS s (id) CROSS JOIN generate_series(0, 3) AS l (level)
WHERE m.deleted_at IS NOT NULL AND m.sender_id IS NOT NULL
GROUP BY 1, 2, 3, 4;

-- Of the deleted messages from a seq on, how many are from this sender ('': from anybody): the rest of its block one by one,
-- then the rest of the block around that by blocks, and so on.
CREATE FUNCTION chat.deleted_since(p_chat_id uuid, p_sender_id text, p_seq integer) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = '' SET enable_seqscan = off AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM chat.deletion_count d WHERE d.chat_id = p_chat_id AND d.sender_id = p_sender_id AND d.level = 3 AND d.block >= chat.block_of(p_seq, 3)) THEN
    RETURN 0;
  END IF;
  RETURN (
    SELECT count(*) FROM chat.chat_message m
    WHERE m.chat_id = p_chat_id AND m.deleted_at IS NOT NULL AND m.sender_id IS NOT NULL AND (p_sender_id = '' OR m.sender_id = p_sender_id)
      AND m.seq >= p_seq AND m.seq < (chat.block_of(p_seq, 0) + 1) << 8
  ) + (
    SELECT coalesce(sum(d.count), 0) FROM generate_series(0, 3) AS l (level)
    CROSS JOIN LATERAL (SELECT d.count FROM chat.deletion_count d
      WHERE d.chat_id = p_chat_id AND d.sender_id = p_sender_id AND d.level = l.level AND d.block > chat.block_of(p_seq, l.level)
        AND (l.level = 3 OR d.block < (chat.block_of(p_seq, l.level + 1) + 1) << 5)) d
  );
END $$;

-- Messages above the watermark and the bound that are not SYSTEM, not mine, not deleted, not hidden from me, and not from
-- somebody whom I have blocked. Ordinals and the counts of the deleted make it differences and sums of a few index probes, so that
-- the cost does not grow with the history; only what I have hidden is counted one by one.
CREATE OR REPLACE FUNCTION chat.unread_count(h chat.chat_head, p chat.chat_participant) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  base integer := greatest(p.read_seq, chat.bound(h, p));
  excluded text[];
  total integer;
  excluded_left integer;
  hidden integer;
BEGIN
  IF base >= h.last_ordinal_seq THEN
    RETURN 0;
  END IF;
  -- (As the first from a seq on: only the primary key has that order. By a plain equality a plan that was made while the table was
  -- empty, and is kept, reads through the whole chat.)
  SELECT h.last_ordinal - m.ordinal + CASE WHEN m.type = 'SYSTEM' THEN 0 ELSE 1 END INTO STRICT total
  FROM chat.chat_message m WHERE m.chat_id = h.chat_id AND m.seq > base ORDER BY m.seq LIMIT 1;

  excluded := chat.blocked_by(p.user_id) || p.user_id;
  SELECT coalesce(sum(s.sent_count - first.sender_ordinal + 1 - chat.deleted_since(h.chat_id, s.user_id, base + 1)), 0) INTO excluded_left
  FROM unnest(excluded) AS e (user_id)
  JOIN chat.chat_participant s ON s.chat_id = h.chat_id AND s.user_id = e.user_id
  CROSS JOIN LATERAL (
    SELECT m.sender_ordinal FROM chat.chat_message m
    WHERE m.chat_id = s.chat_id AND m.sender_id = s.user_id AND m.seq > base ORDER BY m.seq LIMIT 1) first;

  SELECT count(*) INTO hidden FROM chat.message_hidden x JOIN chat.chat_message m ON m.chat_id = x.chat_id AND m.seq = x.seq
  WHERE x.chat_id = h.chat_id AND x.user_id = p.user_id AND x.seq > base AND m.deleted_at IS NULL AND m.sender_id <> ALL (excluded);

  RETURN total - chat.deleted_since(h.chat_id, '', base + 1) - excluded_left - hidden;
END $$;

-- The messages from a seq up to (and without) another, with all that hangs on them, child rows first: where the cascades of
-- the foreign keys are left with nothing to do they cost little. Under the head's lock.
CREATE OR REPLACE FUNCTION chat.delete_messages(p_chat_id uuid, p_from integer, p_to integer) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = '' SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  DELETE FROM chat.message_reaction r WHERE r.chat_id = p_chat_id AND r.seq >= p_from AND r.seq < p_to;
  DELETE FROM chat.message_version x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  DELETE FROM chat.message_hidden x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  DELETE FROM chat.mention x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  DELETE FROM chat.message_search x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  -- A block's filter goes with the last of its messages; so do its counts (until then nobody's unread messages begin below it).
  DELETE FROM chat.search_filter f WHERE f.chat_id = p_chat_id AND f.number < (p_to - 1) >> CASE f.level WHEN 0 THEN 7 ELSE 12 END;
  DELETE FROM chat.deletion_count d WHERE d.chat_id = p_chat_id AND d.block < chat.block_of(p_to, d.level);
  DELETE FROM chat.chat_message m WHERE m.chat_id = p_chat_id AND m.seq >= p_from AND m.seq < p_to;
  UPDATE chat.chat_head h SET min_seq = p_to WHERE h.chat_id = p_chat_id;
END $$;
