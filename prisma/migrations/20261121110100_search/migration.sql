-- CreateTable
CREATE TABLE "message_search" (
    "chat_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "revision" INTEGER NOT NULL,
    "keys" TEXT,
    "loose" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "message_search_pkey" PRIMARY KEY ("chat_id","seq")
);

-- CreateTable
CREATE TABLE "search_filter" (
    "chat_id" UUID NOT NULL,
    "level" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "part" INTEGER NOT NULL,
    "bits" BYTEA,

    CONSTRAINT "search_filter_pkey" PRIMARY KEY ("chat_id","level","number","part")
);

-- AddForeignKey
ALTER TABLE "message_search" ADD CONSTRAINT "message_search_chat_id_seq_fkey" FOREIGN KEY ("chat_id", "seq") REFERENCES "chat_message"("chat_id", "seq") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "search_filter" ADD CONSTRAINT "search_filter_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chat_session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Search. Why it is built like this stands at the head of src/search/find.ts.
--
-- message_search: beside each message that can be searched, its text as src/search/text.ts has folded it. keys is null where
-- nobody has folded it yet (an application has sent it by SQL, or it is from before this migration): the process does so
-- afterwards. loose: changed since the filters of its block were made; such rows are looked at by themselves.
--
-- search_filter: for a block of 128 messages (level 0), or of 32 such blocks (level 1, in 8 parts by key), a Bloom filter
-- of all pieces of words in it. bits is null: it would be full, everything has to be looked for there. No row: not made yet.

-- Bytes are compared, nothing else: what is a letter was settled when the text was folded.
ALTER TABLE chat.message_search ALTER COLUMN keys TYPE text COLLATE "C";
-- A filter is read a few bits at a time: in its row, not compressed, not elsewhere.
ALTER TABLE chat.search_filter ALTER COLUMN bits SET STORAGE PLAIN;

ALTER TABLE chat.search_filter
  ADD CONSTRAINT search_filter_check CHECK (level BETWEEN 0 AND 1 AND number >= 0 AND part BETWEEN 0 AND 7 AND octet_length(bits) BETWEEN 1 AND 8000);

CREATE INDEX message_search_pending_idx ON chat.message_search (chat_id, seq) WHERE keys IS NULL;
CREATE INDEX message_search_loose_idx ON chat.message_search (chat_id, seq) WHERE loose;

-- SYSTEM messages say nothing that somebody would look for, and of ENCRYPTED ones the server knows nothing.
CREATE FUNCTION chat.is_searchable(p_type chat.message_type, p_content text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_type NOT IN ('SYSTEM', 'ENCRYPTED') AND p_content IS NOT NULL;

-- Whoever changes a text, by whatever path, its keys are void from then on. An edit of ours writes the new ones itself.
CREATE FUNCTION chat.forget_search_keys() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF chat.is_searchable(NEW.type, NEW.content) THEN
    INSERT INTO chat.message_search AS s (chat_id, seq, revision, loose) VALUES (NEW.chat_id, NEW.seq, NEW.revision, true)
    ON CONFLICT (chat_id, seq) DO UPDATE SET keys = NULL, revision = greatest(excluded.revision, s.revision + 1), loose = true;
  ELSE
    DELETE FROM chat.message_search s WHERE s.chat_id = NEW.chat_id AND s.seq = NEW.seq;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER chat_message_search AFTER UPDATE ON chat.chat_message FOR EACH ROW
WHEN (OLD.content IS DISTINCT FROM NEW.content OR OLD.type <> NEW.type) EXECUTE FUNCTION chat.forget_search_keys();

INSERT INTO chat.message_search (chat_id, seq, revision)
SELECT m.chat_id, m.seq, m.revision FROM chat.chat_message m WHERE chat.is_searchable(m.type, m.content);

-- Whether all three bits of a key are set.
CREATE FUNCTION chat.filter_has(p_bits bytea, a integer, b integer, c integer) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN get_bit(p_bits, a % (octet_length(p_bits) * 8)) = 1 AND get_bit(p_bits, b % (octet_length(p_bits) * 8)) = 1 AND get_bit(p_bits, c % (octet_length(p_bits) * 8)) = 1;

-- The first message of the chat that is not older than p_at (with p_after: that is newer). Times never run backwards in a
-- chat, so it is found by halving. One above the newest message: there is none.
CREATE FUNCTION chat.seq_at(p_chat_id uuid, p_last_seq integer, p_at timestamptz, p_after boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  low integer := 1;
  high integer := p_last_seq + 1;
  middle integer;
  is_older boolean;
BEGIN
  WHILE low < high LOOP
    middle := (low + high) / 2;
    SELECT CASE WHEN p_after THEN m.created_at <= p_at ELSE m.created_at < p_at END INTO is_older
    FROM chat.chat_message m WHERE m.chat_id = p_chat_id AND m.seq >= middle ORDER BY m.seq LIMIT 1;
    IF is_older THEN
      low := middle + 1;
    ELSE
      high := middle;
    END IF;
  END LOOP;
  RETURN low;
END $$;

-- Looks for texts that are LIKE all of p_terms in the given stretches of chats (p_from[i] <= seq < p_below[i]), newest block
-- first; with p_limit hits a chat has enough. p_probes: of up to four keys that every hit must have, three bits each; p_parts: in
-- which part of a filter of level 1 they are. A hit may come twice if it has just been edited.
-- Each step is LATERAL behind OFFSET 0: the planner may not turn it round, since where there is little it would read all.
-- For each chat also a row without a score: created_at is the time of the newest message below the stretch (down to p_low[i]);
-- null: there is none.
CREATE FUNCTION chat.search_scan(p_user_id text, p_blocked text[], p_chat_ids uuid[], p_low integer[], p_from integer[], p_below integer[],
  p_terms text[], p_probes integer[], p_parts integer[], p_types chat.message_type[], p_sender_id text, p_ranks text[], p_limit integer)
RETURNS TABLE (chat_id uuid, seq integer, created_at timestamptz, score integer)
LANGUAGE plpgsql STABLE
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off SET enable_memoize = off
SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT w.chat_id, hit.seq, hit.created_at, hit.score
  FROM unnest(p_chat_ids, p_from, p_below) AS w (chat_id, first, below)
  CROSS JOIN LATERAL (
    -- Blocks that no filter rules out: first those under a filter of level 1 that does not, of these each by its own.
    SELECT m.seq, m.created_at, chat.search_score(s.keys, p_ranks) AS score
    FROM (
      SELECT g.number FROM (
        SELECT l.number, ARRAY(
          SELECT f.number FROM chat.search_filter f
          WHERE f.chat_id = w.chat_id AND f.level = 0 AND f.number >= greatest((w.first - 1) >> 7, l.number * 32) AND f.number <= least((w.below - 2) >> 7, l.number * 32 + 31)
            AND NOT (chat.filter_has(f.bits, p_probes[1], p_probes[2], p_probes[3]) AND chat.filter_has(f.bits, p_probes[4], p_probes[5], p_probes[6])
              AND chat.filter_has(f.bits, p_probes[7], p_probes[8], p_probes[9]) AND chat.filter_has(f.bits, p_probes[10], p_probes[11], p_probes[12]))) AS ruled_out
        FROM generate_series((w.below - 2) >> 12, (w.first - 1) >> 12, -1) AS l (number)
        WHERE coalesce((SELECT chat.filter_has(f.bits, p_probes[1], p_probes[2], p_probes[3]) FROM chat.search_filter f
                        WHERE f.chat_id = w.chat_id AND f.level = 1 AND f.number = l.number AND f.part = p_parts[1]), true)
          AND coalesce((SELECT chat.filter_has(f.bits, p_probes[4], p_probes[5], p_probes[6]) FROM chat.search_filter f
                        WHERE f.chat_id = w.chat_id AND f.level = 1 AND f.number = l.number AND f.part = p_parts[2]), true)
          AND coalesce((SELECT chat.filter_has(f.bits, p_probes[7], p_probes[8], p_probes[9]) FROM chat.search_filter f
                        WHERE f.chat_id = w.chat_id AND f.level = 1 AND f.number = l.number AND f.part = p_parts[3]), true)
          AND coalesce((SELECT chat.filter_has(f.bits, p_probes[10], p_probes[11], p_probes[12]) FROM chat.search_filter f
                        WHERE f.chat_id = w.chat_id AND f.level = 1 AND f.number = l.number AND f.part = p_parts[4]), true)
        OFFSET 0) a
      CROSS JOIN LATERAL generate_series(least((w.below - 2) >> 7, a.number * 32 + 31), greatest((w.first - 1) >> 7, a.number * 32), -1) AS g (number)
      WHERE g.number <> ALL (a.ruled_out)
      OFFSET 0) b
    CROSS JOIN LATERAL (
      SELECT x.seq, x.keys FROM chat.message_search x
      WHERE x.chat_id = w.chat_id AND x.seq >= greatest(w.first, b.number * 128 + 1) AND x.seq < least(w.below, b.number * 128 + 129)
        AND NOT x.loose AND x.keys LIKE ALL (p_terms)
      ORDER BY x.seq DESC OFFSET 0) s
    CROSS JOIN LATERAL (
      SELECT m.seq, m.created_at FROM chat.chat_message m
      WHERE m.chat_id = w.chat_id AND m.seq = s.seq AND chat.is_found(m, p_user_id, p_blocked, p_types, p_sender_id) OFFSET 0) m
    LIMIT p_limit) hit;

  RETURN QUERY
  SELECT w.chat_id, s.seq, m.created_at, chat.search_score(s.keys, p_ranks)
  FROM unnest(p_chat_ids, p_from, p_below) AS w (chat_id, first, below)
  CROSS JOIN LATERAL (
    SELECT x.seq, x.keys FROM chat.message_search x
    WHERE x.chat_id = w.chat_id AND x.seq >= w.first AND x.seq < w.below AND x.loose AND x.keys LIKE ALL (p_terms) OFFSET 0) s
  CROSS JOIN LATERAL (
    SELECT m.created_at FROM chat.chat_message m
    WHERE m.chat_id = w.chat_id AND m.seq = s.seq AND chat.is_found(m, p_user_id, p_blocked, p_types, p_sender_id) OFFSET 0) m;

  RETURN QUERY
  SELECT w.chat_id, w.first,
    (SELECT m.created_at FROM chat.chat_message m WHERE m.chat_id = w.chat_id AND m.seq < w.first AND m.seq >= w.low ORDER BY m.seq DESC LIMIT 1), NULL::integer
  FROM unnest(p_chat_ids, p_low, p_from) AS w (chat_id, low, first);
END $$;

-- Which of the messages within a viewer's bound they may find.
CREATE FUNCTION chat.is_found(m chat.chat_message, p_user_id text, p_blocked text[], p_types chat.message_type[], p_sender_id text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN chat.is_searchable((m).type, (m).content) AND (m).deleted_at IS NULL AND ((m).sender_id = ANY (p_blocked)) IS NOT TRUE
  AND NOT chat.is_hidden((m).chat_id, (m).seq, p_user_id)
  AND (p_types IS NULL OR (m).type = ANY (p_types)) AND (p_sender_id IS NULL OR (m).sender_id = p_sender_id);

-- The better of two hits has more of the words as whole words, or at least their beginnings. p_ranks: the words; null: it does not matter.
CREATE FUNCTION chat.search_score(p_keys text, p_ranks text[]) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN p_ranks IS NULL THEN 0 ELSE (
  SELECT coalesce(sum(CASE WHEN p_keys LIKE '% ' || r || ' %' THEN 2 WHEN p_keys LIKE '% ' || r || '%' THEN 1 ELSE 0 END), 0)::integer FROM unnest(p_ranks) AS r) END;
