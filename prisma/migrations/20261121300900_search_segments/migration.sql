-- DropForeignKey
ALTER TABLE "search_filter" DROP CONSTRAINT "search_filter_chat_id_fkey";

-- DropTable
DROP TABLE "search_filter";

-- CreateTable
CREATE TABLE "search_progress" (
    "chat_id" UUID NOT NULL,
    "indexed" INTEGER NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "search_progress_pkey" PRIMARY KEY ("chat_id")
);

-- CreateTable
CREATE TABLE "search_segment" (
    "chat_id" UUID NOT NULL,
    "level" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "part" INTEGER NOT NULL,
    "postings" TEXT NOT NULL,

    CONSTRAINT "search_segment_pkey" PRIMARY KEY ("chat_id","level","number","part")
);

-- AddForeignKey
ALTER TABLE "search_progress" ADD CONSTRAINT "search_progress_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chat_session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "search_segment" ADD CONSTRAINT "search_segment_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "search_progress"("chat_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Posting lists instead of filters: which messages have a key, and not only which blocks may have one. What a segment is and
-- how lists are written stands in src/search/segments.ts and postings.ts. The first `indexed` messages of a chat lie in
-- segments; a row of search_segment is a part of one's lists. No row: none of these keys is in the segment.

DROP FUNCTION chat.search_scan, chat.filter_has;

ALTER TABLE chat.search_progress ADD CONSTRAINT search_progress_check CHECK (indexed >= 0 AND indexed % 128 = 0);
ALTER TABLE chat.search_segment
  ADD CONSTRAINT search_segment_check CHECK (level BETWEEN 0 AND 3 AND number >= 0 AND part >= 0 AND part < 32 << level * 2),
  ALTER COLUMN postings TYPE text COLLATE "C",
  ALTER COLUMN postings SET STORAGE EXTERNAL; -- there is nothing in it to compress

-- loose, from now on: changed since the message's segment was made.

-- For stretches of chats (p_low[n] <= seq < p_below[n]) and keys, of each the part of a segment of the highest level: each
-- segment's parts in which the keys are, one behind the other with DEL in between. For the lower levels the first keys are enough:
-- where there are few messages, few are there by mistake. And, with a seq instead of a segment, the messages that are in no segment, or
-- loose, and whose text is LIKE all of p_terms.
CREATE FUNCTION chat.search_candidates(p_chat_ids uuid[], p_low integer[], p_below integer[], p_parts integer[], p_terms text[])
RETURNS TABLE (n integer, level integer, number integer, seq integer, parts integer[], postings text)
LANGUAGE plpgsql STABLE
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off SET enable_memoize = off
SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT w.n::integer, l.level, g.number, NULL::integer, x.parts, x.postings
  FROM unnest(p_chat_ids, p_low, p_below) WITH ORDINALITY AS w (chat_id, low, below, n)
  CROSS JOIN LATERAL (SELECT p.indexed FROM chat.search_progress p WHERE p.chat_id = w.chat_id OFFSET 0) p
  CROSS JOIN LATERAL (VALUES
    (3, 13, ARRAY(SELECT u.part FROM unnest(p_parts) AS u (part))),
    (2, 11, ARRAY(SELECT u.part >> 2 FROM unnest(p_parts[:4]) AS u (part))),
    (1, 9, ARRAY(SELECT u.part >> 4 FROM unnest(p_parts[:3]) AS u (part))),
    (0, 7, ARRAY(SELECT u.part >> 6 FROM unnest(p_parts[:2]) AS u (part)))) AS l (level, bits, parts)
  CROSS JOIN LATERAL generate_series(
    greatest((w.low - 1) >> l.bits, CASE WHEN l.level < 3 THEN (p.indexed >> (l.bits + 2)) << 2 END),
    least((w.below - 2) >> l.bits, (p.indexed >> l.bits) - 1)) AS g (number)
  CROSS JOIN LATERAL (
    SELECT array_agg(x.part) AS parts, string_agg(x.postings, E'\x7f') AS postings FROM chat.search_segment x
    WHERE x.chat_id = w.chat_id AND x.level = l.level AND x.number = g.number AND x.part = ANY (l.parts) OFFSET 0) x;

  RETURN QUERY
  SELECT w.n::integer, NULL::integer, NULL::integer, s.seq, NULL::integer[], NULL::text
  FROM unnest(p_chat_ids, p_low, p_below) WITH ORDINALITY AS w (chat_id, low, below, n)
  CROSS JOIN LATERAL (SELECT coalesce((SELECT p.indexed FROM chat.search_progress p WHERE p.chat_id = w.chat_id), 0) AS indexed OFFSET 0) p
  CROSS JOIN LATERAL (
    SELECT x.seq FROM chat.message_search x
    WHERE x.chat_id = w.chat_id AND x.seq > p.indexed AND x.seq >= w.low AND x.seq < w.below AND x.keys LIKE ALL (p_terms)
    UNION ALL
    SELECT x.seq FROM chat.message_search x
    WHERE x.chat_id = w.chat_id AND x.seq <= p.indexed AND x.seq >= w.low AND x.seq < w.below AND x.loose AND x.keys LIKE ALL (p_terms)
    OFFSET 0) s;
END $$;

-- Which of the messages within a viewer's bound they may find, unless they have hidden it. (That would need a query of its own
-- here, and a function with one is called for each row, where this one becomes a part of the statement.)
DROP FUNCTION chat.is_found;
CREATE FUNCTION chat.is_found(m chat.chat_message, p_blocked text[], p_types chat.message_type[], p_sender_id text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (m).type NOT IN ('SYSTEM', 'ENCRYPTED') AND (m).content IS NOT NULL AND (m).deleted_at IS NULL AND ((m).sender_id = ANY (p_blocked)) IS NOT TRUE
  AND (p_types IS NULL OR (m).type = ANY (p_types)) AND (p_sender_id IS NULL OR (m).sender_id = p_sender_id);

-- Of these messages, each in its chat, those that are hits: their text is LIKE all of p_terms, and the user may find them.
-- (A message is asked for as the first from its seq on: so it is looked up by that, whatever the planner thinks of empty tables.)
CREATE FUNCTION chat.search_hits(p_user_id text, p_blocked text[], p_chat_ids uuid[], p_seqs integer[], p_terms text[], p_types chat.message_type[], p_sender_id text, p_ranks text[])
RETURNS TABLE (n integer, created_at timestamptz, score integer)
LANGUAGE plpgsql STABLE
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off SET enable_memoize = off
SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT w.n::integer, m.created_at, CASE WHEN p_ranks IS NULL THEN 0 ELSE chat.search_score(s.keys, p_ranks) END
  FROM unnest(p_chat_ids, p_seqs) WITH ORDINALITY AS w (chat_id, seq, n)
  CROSS JOIN LATERAL (
    SELECT x.keys FROM chat.message_search x WHERE x.chat_id = w.chat_id AND x.seq = w.seq AND x.keys LIKE ALL (p_terms) OFFSET 0) s
  CROSS JOIN LATERAL (
    SELECT f.* FROM chat.chat_message f WHERE f.chat_id = w.chat_id AND f.seq >= w.seq ORDER BY f.seq LIMIT 1) m
  WHERE m.seq = w.seq AND chat.is_found(m, p_blocked, p_types, p_sender_id) AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = w.chat_id AND x.user_id = p_user_id AND x.seq = w.seq);
END $$;

-- Puts a segment in the place of the smaller ones, or of itself. The rows that it knows as they are now (p_seqs, p_revisions) are loose no
-- longer. False: somebody else has got on with this chat meanwhile, or it is gone.
CREATE FUNCTION chat.store_search_segment(p_chat_id uuid, p_level integer, p_number integer, p_version integer, p_indexed integer,
  p_parts integer[], p_postings text[], p_seqs integer[], p_revisions integer[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = '' SET enable_seqscan = off AS $$
BEGIN
  INSERT INTO chat.search_progress AS p (chat_id, indexed) SELECT c.id, p_indexed FROM chat.chat_session c WHERE c.id = p_chat_id
  ON CONFLICT (chat_id) DO UPDATE SET indexed = p_indexed, version = p.version + 1 WHERE p.version = p_version;
  IF NOT FOUND THEN
    RETURN false;
  END IF;

  FOR v_level IN 0 .. p_level LOOP
    DELETE FROM chat.search_segment s
    WHERE s.chat_id = p_chat_id AND s.level = v_level AND s.number BETWEEN p_number << 2 * (p_level - v_level) AND ((p_number + 1) << 2 * (p_level - v_level)) - 1;
  END LOOP;
  INSERT INTO chat.search_segment (chat_id, level, number, part, postings)
  SELECT p_chat_id, p_level, p_number, u.part, u.postings FROM unnest(p_parts, p_postings) AS u (part, postings);

  UPDATE chat.message_search s SET loose = false FROM unnest(p_seqs, p_revisions) AS k (seq, revision)
  WHERE s.chat_id = p_chat_id AND s.seq = k.seq AND s.revision = k.revision AND s.loose AND s.keys IS NOT NULL;
  RETURN true;
END $$;

-- As before, but for the search's segments: one goes with the last of its messages.
CREATE OR REPLACE FUNCTION chat.delete_messages(p_chat_id uuid, p_from integer, p_to integer) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = '' SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  DELETE FROM chat.message_reaction r WHERE r.chat_id = p_chat_id AND r.seq >= p_from AND r.seq < p_to;
  DELETE FROM chat.message_version x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  DELETE FROM chat.message_hidden x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  DELETE FROM chat.mention x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  DELETE FROM chat.message_search x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  FOR v_level IN 0 .. 3 LOOP
    DELETE FROM chat.search_segment s WHERE s.chat_id = p_chat_id AND s.level = v_level AND s.number < (p_to - 1) >> (7 + 2 * v_level);
  END LOOP;
  -- Its counts go with a block too: until then nobody's unread messages begin below it.
  DELETE FROM chat.deletion_count d WHERE d.chat_id = p_chat_id AND d.block < chat.block_of(p_to, d.level);
  DELETE FROM chat.chat_message m WHERE m.chat_id = p_chat_id AND m.seq >= p_from AND m.seq < p_to;
  UPDATE chat.chat_head h SET min_seq = p_to WHERE h.chat_id = p_chat_id;
END $$;

-- As before, but of a user's way into many chats each part is made once: whom they have blocked for all, their participant for
-- each (OFFSET 0: else it is made again for each of its fields that somebody asks for).
CREATE OR REPLACE FUNCTION chat.viewer(p_chat_id uuid, p_user_id text)
RETURNS TABLE (c chat.chat_session, h chat.chat_head, p chat.chat_participant, bound integer, blocked text[])
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT c, h, v.p, chat.bound(h, v.p), (SELECT chat.blocked_by(p_user_id))
  FROM chat.chat_session c
  JOIN chat.chat_head h ON h.chat_id = c.id
  LEFT JOIN chat.chat_participant p ON p.chat_id = c.id AND p.user_id = p_user_id
  CROSS JOIN LATERAL (SELECT CASE WHEN p.state = 'JOINED' THEN p ELSE chat.onlooker(h, p_user_id) END AS p OFFSET 0) v
  WHERE c.id = p_chat_id AND c.deleted_at IS NULL AND (p.state = 'JOINED' OR c.type = 'STREAM' AND p.state IS DISTINCT FROM 'BANNED')
$$;
