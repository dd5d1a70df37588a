-- Posting lists of pieces of up to four characters, in a form that PostgreSQL can cut a list out of: src/search/postings.ts. All of
-- them are made anew, behind the sends; until then search looks at the texts.
TRUNCATE chat.search_progress, chat.search_segment;
ALTER TABLE chat.search_segment
  DROP CONSTRAINT search_segment_check,
  ADD CONSTRAINT search_segment_check CHECK (level BETWEEN 0 AND 3 AND number >= 0 AND part >= 0 AND part < 64 << level * 2),
  SET (toast_tuple_target = 8160); -- a part that lies elsewhere is another look-up

-- For stretches of chats (p_low[n] <= seq < p_below[n]) and up to four keys (of each its part in a segment of the highest level, and how
-- its list begins): the segments that have all keys, with their lists, DEL in between. A key is only looked for where all before it
-- are. And, with a seq instead of a segment, the messages that are in no segment, or loose, and whose text is LIKE all of p_terms.
DROP FUNCTION chat.search_candidates;
CREATE FUNCTION chat.search_candidates(p_chat_ids uuid[], p_low integer[], p_below integer[], p_parts integer[], p_words text[], p_terms text[])
RETURNS TABLE (n integer, level integer, number integer, seq integer, lists text)
LANGUAGE plpgsql STABLE
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off SET join_collapse_limit = 1
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off SET enable_memoize = off
SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT w.n::integer, l.level, g.number, NULL::integer, concat_ws(E'\x7f', a.list, b.list, c.list, d.list)
  FROM unnest(p_chat_ids, p_low, p_below) WITH ORDINALITY AS w (chat_id, low, below, n)
  CROSS JOIN LATERAL (SELECT p.indexed FROM chat.search_progress p WHERE p.chat_id = w.chat_id OFFSET 0) p
  CROSS JOIN (VALUES (3, 13, 0), (2, 11, 2), (1, 9, 4), (0, 7, 6)) AS l (level, bits, shift)
  CROSS JOIN LATERAL generate_series(
    greatest((w.low - 1) >> l.bits, CASE WHEN l.level < 3 THEN (p.indexed >> (l.bits + 2)) << 2 END),
    least((w.below - 2) >> l.bits, (p.indexed >> l.bits) - 1)) AS g (number)
  CROSS JOIN LATERAL (
    SELECT split_part(split_part(x.postings, p_words[1], 2), E'\x7f', 1) AS list FROM chat.search_segment x
    WHERE x.chat_id = w.chat_id AND x.level = l.level AND x.number = g.number AND x.part = p_parts[1] >> l.shift OFFSET 0) a
  CROSS JOIN LATERAL (
    SELECT NULL AS list WHERE p_words[2] IS NULL UNION ALL
    SELECT split_part(split_part(x.postings, p_words[2], 2), E'\x7f', 1) FROM chat.search_segment x
    WHERE x.chat_id = w.chat_id AND x.level = l.level AND x.number = g.number AND x.part = p_parts[2] >> l.shift OFFSET 0) b
  CROSS JOIN LATERAL (
    SELECT NULL AS list WHERE p_words[3] IS NULL UNION ALL
    SELECT split_part(split_part(x.postings, p_words[3], 2), E'\x7f', 1) FROM chat.search_segment x
    WHERE x.chat_id = w.chat_id AND x.level = l.level AND x.number = g.number AND x.part = p_parts[3] >> l.shift OFFSET 0) c
  CROSS JOIN LATERAL (
    SELECT NULL AS list WHERE p_words[4] IS NULL UNION ALL
    SELECT split_part(split_part(x.postings, p_words[4], 2), E'\x7f', 1) FROM chat.search_segment x
    WHERE x.chat_id = w.chat_id AND x.level = l.level AND x.number = g.number AND x.part = p_parts[4] >> l.shift OFFSET 0) d
  WHERE a.list <> '' AND (b.list <> '') IS NOT FALSE AND (c.list <> '') IS NOT FALSE AND (d.list <> '') IS NOT FALSE;

  RETURN QUERY
  SELECT w.n::integer, NULL::integer, NULL::integer, s.seq, NULL::text
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
