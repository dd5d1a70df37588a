-- Posting lists of pieces of up to four characters, in a form that PostgreSQL can cut a list out of: src/search/postings.ts. All of
-- them are made anew, behind the sends; until then search looks at the texts.
TRUNCATE chat.search_progress, chat.search_segment;
ALTER TABLE chat.search_segment
  ALTER COLUMN postings TYPE text[] COLLATE "C" USING NULL,
  SET (toast_tuple_target = 8160); -- a part that lies elsewhere is another look-up

-- For stretches of chats (p_low[n] <= seq < p_below[n]) and up to four keys (of each its part in a segment of the highest level, its
-- drawer, and how its list begins): the segments that have all keys, with their lists, DEL in between. A key is only looked for where all before it
-- are. And, without a segment, the seqs of a stretch's messages that are in no segment, or loose, and whose text is LIKE all of p_terms.
DROP FUNCTION chat.search_candidates;
CREATE FUNCTION chat.search_candidates(p_chat_ids uuid[], p_low integer[], p_below integer[], p_parts integer[], p_drawers integer[], p_words text[], p_terms text[])
RETURNS TABLE (n integer, level integer, number integer, lists text)
LANGUAGE plpgsql STABLE
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off SET join_collapse_limit = 1
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off SET enable_memoize = off
SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT w.n::integer, l.level, g.number, concat_ws(E'\x7f', a.list, b.list, c.list, d.list)
  FROM unnest(p_chat_ids, p_low, p_below) WITH ORDINALITY AS w (chat_id, low, below, n)
  CROSS JOIN LATERAL (SELECT p.indexed FROM chat.search_progress p WHERE p.chat_id = w.chat_id OFFSET 0) p
  CROSS JOIN (VALUES (3, 13, 0), (2, 11, 2), (1, 9, 4), (0, 7, 6)) AS l (level, bits, shift)
  CROSS JOIN LATERAL generate_series(
    greatest((w.low - 1) >> l.bits, CASE WHEN l.level < 3 THEN (p.indexed >> (l.bits + 2)) << 2 END),
    least((w.below - 2) >> l.bits, (p.indexed >> l.bits) - 1)) AS g (number)
  CROSS JOIN LATERAL (
    SELECT split_part(split_part(x.postings[p_drawers[1]], p_words[1], 2), E'\x7f', 1) AS list FROM chat.search_segment x
    WHERE x.chat_id = w.chat_id AND x.level = l.level AND x.number = g.number AND x.part = p_parts[1] >> l.shift OFFSET 0) a
  CROSS JOIN LATERAL (
    SELECT NULL AS list WHERE p_words[2] IS NULL UNION ALL
    SELECT split_part(split_part(x.postings[p_drawers[2]], p_words[2], 2), E'\x7f', 1) FROM chat.search_segment x
    WHERE x.chat_id = w.chat_id AND x.level = l.level AND x.number = g.number AND x.part = p_parts[2] >> l.shift OFFSET 0) b
  CROSS JOIN LATERAL (
    SELECT NULL AS list WHERE p_words[3] IS NULL UNION ALL
    SELECT split_part(split_part(x.postings[p_drawers[3]], p_words[3], 2), E'\x7f', 1) FROM chat.search_segment x
    WHERE x.chat_id = w.chat_id AND x.level = l.level AND x.number = g.number AND x.part = p_parts[3] >> l.shift OFFSET 0) c
  CROSS JOIN LATERAL (
    SELECT NULL AS list WHERE p_words[4] IS NULL UNION ALL
    SELECT split_part(split_part(x.postings[p_drawers[4]], p_words[4], 2), E'\x7f', 1) FROM chat.search_segment x
    WHERE x.chat_id = w.chat_id AND x.level = l.level AND x.number = g.number AND x.part = p_parts[4] >> l.shift OFFSET 0) d
  WHERE a.list <> '' AND (b.list <> '') IS NOT FALSE AND (c.list <> '') IS NOT FALSE AND (d.list <> '') IS NOT FALSE;

  RETURN QUERY
  SELECT w.n::integer, NULL::integer, NULL::integer, s.seqs
  FROM unnest(p_chat_ids, p_low, p_below) WITH ORDINALITY AS w (chat_id, low, below, n)
  CROSS JOIN LATERAL (SELECT coalesce((SELECT p.indexed FROM chat.search_progress p WHERE p.chat_id = w.chat_id), 0) AS indexed OFFSET 0) p
  CROSS JOIN LATERAL (
    SELECT string_agg(t.seq::text, ',') AS seqs FROM (
      SELECT x.seq FROM chat.message_search x
      WHERE x.chat_id = w.chat_id AND x.seq > p.indexed AND x.seq >= w.low AND x.seq < w.below AND x.keys LIKE ALL (p_terms)
      UNION ALL
      SELECT x.seq FROM chat.message_search x
      WHERE x.chat_id = w.chat_id AND x.seq <= p.indexed AND x.seq >= w.low AND x.seq < w.below AND x.loose AND x.keys LIKE ALL (p_terms)) t
    OFFSET 0) s
  WHERE s.seqs IS NOT NULL;
END $$;

-- As before, but for the drawers of a part, which come as lines.
CREATE OR REPLACE FUNCTION chat.store_search_segment(p_chat_id uuid, p_level integer, p_number integer, p_version integer, p_indexed integer,
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
  SELECT p_chat_id, p_level, p_number, u.part, string_to_array(u.postings, E'\n') FROM unnest(p_parts, p_postings) AS u (part, postings);

  UPDATE chat.message_search s SET loose = false FROM unnest(p_seqs, p_revisions) AS k (seq, revision)
  WHERE s.chat_id = p_chat_id AND s.seq = k.seq AND s.revision = k.revision AND s.loose AND s.keys IS NOT NULL;
  RETURN true;
END $$;

-- Of these messages, each in its chat, those that are hits: their text is LIKE all of p_terms, and the user may find them; the newest
-- p_whole of them with what is shown of them. (A message is asked for as the first from its seq on: so it is looked up by that, whatever the
-- planner thinks of empty tables.)
DROP FUNCTION chat.search_hits;
CREATE FUNCTION chat.search_hits(p_user_id text, p_blocked text[], p_chat_ids uuid[], p_seqs integer[], p_terms text[], p_types chat.message_type[], p_sender_id text, p_ranks text[], p_whole integer)
RETURNS TABLE (n integer, created_at timestamptz, score integer, message text, content text, sender_id text, sender text)
LANGUAGE plpgsql STABLE
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off SET join_collapse_limit = 1
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off SET enable_memoize = off
SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH hit AS MATERIALIZED (
    SELECT w.n::integer, w.chat_id, w.seq, m.created_at, CASE WHEN p_ranks IS NULL THEN 0 ELSE chat.search_score(s.keys, p_ranks) END AS score,
      row_number() OVER (ORDER BY m.created_at DESC) <= p_whole AS is_whole
    FROM unnest(p_chat_ids, p_seqs) WITH ORDINALITY AS w (chat_id, seq, n)
    CROSS JOIN LATERAL (
      SELECT x.keys FROM chat.message_search x WHERE x.chat_id = w.chat_id AND x.seq = w.seq AND x.keys LIKE ALL (p_terms) OFFSET 0) s
    CROSS JOIN LATERAL (
      SELECT f.* FROM chat.chat_message f WHERE f.chat_id = w.chat_id AND f.seq >= w.seq AND f.seq <= w.seq ORDER BY f.seq LIMIT 1) m
    WHERE chat.is_found(m, p_blocked, p_types, p_sender_id)
      AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = w.chat_id AND x.user_id = p_user_id AND x.seq = w.seq))
  SELECT h.n, h.created_at, h.score, e.message, e.content, e.sender_id, e.sender
  FROM hit h LEFT JOIN LATERAL (
    SELECT chat.message_text(m) AS message, m.content, m.sender_id, (SELECT chat.user_json(u) FROM chat.chat_user u WHERE u.id = m.sender_id)::text AS sender
    FROM (SELECT f.* FROM chat.chat_message f WHERE h.is_whole AND f.chat_id = h.chat_id AND f.seq >= h.seq AND f.seq <= h.seq ORDER BY f.seq LIMIT 1) m) e ON true;
END $$;
