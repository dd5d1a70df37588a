-- Watermarks and reactions of many at once, for group commit: what arrives while one batch is at the database is the next. Both take their locks
-- by the one ordering rule, and judge only in later statements. Kept, like chat.send_messages, from hashing or scanning what grows.

-- Moves watermarks.
--
-- p_items: [{ "chatId", "userId", "isRead", "upToSeq" | null, "isNamed" }], of a member in a chat not more than one.
--   isRead    reading is having got; otherwise it was only got
--   upToSeq   null: to the newest message. Never back, never past the newest
--   isNamed   the seq is that of a message which has to be there for the user
-- p_wait:  false: a member whose row is held is not waited for: the item comes back BUSY.
--
-- One row an item, in the order of the items (idx from 1). status:
--   marked    where the member stands now, and what of it has moved
--   onlooker  somebody who only looks at a STREAM, and has nothing to mark
--   rejected  code says why
--   busy      nothing was written, ask again
-- Reading is having got; what was read (or got) at once is one interval. Who reads privately leaves what others are told where
-- it is, and no interval: nothing is kept that could be told later. What is read again openly is told then. The row locks are
-- the members' own: the chat goes on meanwhile.
CREATE FUNCTION chat.mark_many(p_items jsonb, p_wait boolean DEFAULT true)
RETURNS TABLE (idx integer, status text, code text, at timestamptz, read_seq integer, delivered_seq integer, public_read_seq integer,
               read_moved boolean, delivered_moved boolean, public_read_moved boolean, unread_count integer, mention_count integer,
               is_small boolean, blocked text[], was_marked_unread boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = '' SET lock_timeout = '5s'
SET plan_cache_mode = force_generic_plan SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  v_locked integer[];
  v_now timestamptz;
BEGIN
  IF p_wait THEN
    SELECT coalesce(array_agg(l.idx), '{}') INTO v_locked FROM (
      SELECT e.ordinality::integer AS idx FROM jsonb_array_elements(p_items) WITH ORDINALITY AS e (item, ordinality)
      JOIN chat.chat_participant p ON p.chat_id = (e.item ->> 'chatId')::uuid AND p.user_id = e.item ->> 'userId'
      ORDER BY p.chat_id, p.user_id FOR NO KEY UPDATE OF p) l;
  ELSE
    SELECT coalesce(array_agg(l.idx), '{}') INTO v_locked FROM (
      SELECT e.ordinality::integer AS idx FROM jsonb_array_elements(p_items) WITH ORDINALITY AS e (item, ordinality)
      JOIN chat.chat_participant p ON p.chat_id = (e.item ->> 'chatId')::uuid AND p.user_id = e.item ->> 'userId'
      ORDER BY p.chat_id, p.user_id FOR NO KEY UPDATE OF p SKIP LOCKED) l;
  END IF;

  v_now := clock_timestamp();

  RETURN QUERY WITH
  item AS MATERIALIZED (
    SELECT e.ordinality::integer AS idx, (e.item ->> 'chatId')::uuid AS chat_id, e.item ->> 'userId' AS user_id, (e.item ->> 'isRead')::boolean AS is_read,
      (e.item ->> 'upToSeq')::integer AS up_to_seq, (e.item ->> 'isNamed')::boolean AS is_named, e.ordinality = ANY (v_locked) AS locked
    FROM jsonb_array_elements(p_items) WITH ORDINALITY AS e (item, ordinality)
  ),
  judged AS MATERIALIZED (
    SELECT i.*, v.c, v.h, v.p, v.blocked,
      CASE
        WHEN NOT i.locked AND EXISTS (SELECT FROM chat.chat_participant x WHERE x.chat_id = i.chat_id AND x.user_id = i.user_id) THEN 'busy'
        WHEN v.found IS NULL THEN 'CHAT_NOT_FOUND'
        WHEN i.is_named AND (i.up_to_seq <= v.bound OR i.up_to_seq > (v.h).last_seq) THEN 'MESSAGE_NOT_FOUND'
        WHEN (v.p).state = 'JOINED' THEN 'marked'
        ELSE 'onlooker'
      END AS verdict
    FROM item i LEFT JOIN LATERAL (SELECT true AS found, x.* FROM chat.viewer(i.chat_id, i.user_id) x) v ON true
  ),
  target AS MATERIALIZED (
    SELECT j.idx, j.chat_id, j.user_id, j.is_read, j.h, j.p AS before, (j.p).read_seq, (j.p).delivered_seq, w.public_read_seq, t.seq, s.is_private,
      j.is_read AND t.seq > (j.p).read_seq AS read_moves, t.seq > (j.p).delivered_seq AS delivered_moves,
      j.is_read AND t.seq > w.public_read_seq AND NOT s.is_private AS public_read_moves,
      (j.h).member_count <= chat.small_chat_members() AND (j.c).type <> 'STREAM' AS is_small,
      j.blocked || CASE WHEN chat.is_request_for(j.c, j.user_id) THEN ARRAY[(j.c).requested_by_id] ELSE '{}' END AS blocked
    FROM judged j
    CROSS JOIN LATERAL (SELECT coalesce((j.p).public_read_seq, (j.p).read_seq) AS public_read_seq) w
    CROSS JOIN LATERAL (SELECT least(coalesce(j.up_to_seq, (j.h).last_seq), (j.h).last_seq) AS seq) t
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM chat.chat_user u WHERE u.id = j.user_id AND u.settings @> '{"privateReading": true}') AS is_private) s
    WHERE j.verdict = 'marked'
  ),
  moved AS (
    UPDATE chat.chat_participant AS p SET delivered_seq = greatest(p.delivered_seq, t.seq),
      read_seq = CASE WHEN t.is_read THEN greatest(p.read_seq, t.seq) ELSE p.read_seq END,
      last_read_at = CASE WHEN t.is_read THEN v_now ELSE p.last_read_at END,
      public_read_seq = CASE WHEN t.is_read
        THEN nullif(CASE WHEN t.is_private THEN t.public_read_seq ELSE greatest(t.public_read_seq, t.seq) END, greatest(p.read_seq, t.seq))
        ELSE p.public_read_seq END
    FROM target t WHERE p.chat_id = t.chat_id AND p.user_id = t.user_id AND (t.read_moves OR t.delivered_moves OR t.public_read_moves)
    RETURNING t.idx, p AS now
  ),
  read AS (
    INSERT INTO chat.message_read (chat_id, user_id, from_seq, to_seq, read_at)
    SELECT t.chat_id, t.user_id, t.public_read_seq + 1, t.seq, v_now FROM target t WHERE t.is_small AND t.public_read_moves
  ),
  got AS (
    INSERT INTO chat.message_delivery (chat_id, user_id, from_seq, to_seq, delivered_at)
    SELECT t.chat_id, t.user_id, t.delivered_seq + 1, t.seq, v_now FROM target t WHERE t.is_small AND t.delivered_moves AND NOT t.public_read_moves
  )
  SELECT j.idx, CASE WHEN j.verdict IN ('marked', 'onlooker', 'busy') THEN j.verdict ELSE 'rejected' END,
    CASE WHEN j.verdict NOT IN ('marked', 'onlooker', 'busy') THEN j.verdict END, v_now,
    coalesce(greatest(t.read_seq, (m.now).read_seq), (j.p).read_seq), coalesce(greatest(t.delivered_seq, (m.now).delivered_seq), (j.p).delivered_seq),
    CASE WHEN t.public_read_moves THEN t.seq ELSE t.public_read_seq END,
    t.read_moves, t.delivered_moves, t.public_read_moves,
    CASE WHEN j.verdict = 'marked' THEN chat.unread_count(t.h, coalesce(m.now, t.before)) ELSE 0 END,
    CASE WHEN j.verdict = 'marked' THEN chat.mention_count(t.h, coalesce(m.now, t.before)) ELSE 0 END,
    t.is_small, t.blocked, (t.before).marked_unread
  FROM judged j LEFT JOIN target t ON t.idx = j.idx LEFT JOIN moved m ON m.idx = j.idx
  ORDER BY j.idx;
END $$;

-- Adds and removes reactions.
--
-- p_items: [{ "chatId", "seq", "userId", "emoji", "isAdded" }]
-- p_wait:  false: a chat whose head, or a member whose row, is held is not waited for: the item comes back BUSY.
--
-- One row an item (idx from 1), in the order of their revisions in each chat. status:
--   changed    the message as it is then, with a revision of its own
--   unchanged  the message as it is: there was nothing to do
--   rejected   nothing was written, code says why
--   busy       nothing was written, ask again
CREATE FUNCTION chat.react_many(p_items jsonb, p_wait boolean DEFAULT true)
RETURNS TABLE (idx integer, status text, code text, revision integer, previous_revision integer, sender_id text, message json)
LANGUAGE plpgsql VOLATILE
SET search_path = '' SET lock_timeout = '5s'
SET plan_cache_mode = force_generic_plan SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  -- Distinct emoji on one message.
  c_max_emoji CONSTANT integer := 20;
  v_chats uuid[];
  v_locked integer[];
  v_now timestamptz;
  v_chat uuid;
  v_revision integer;
  v_used text[];
  v_has boolean;
  i record;
BEGIN
  IF p_wait THEN
    SELECT coalesce(array_agg(l.chat_id), '{}') INTO v_chats FROM (
      SELECT h.chat_id FROM chat.chat_head h
      WHERE h.chat_id = ANY (ARRAY(SELECT (e ->> 'chatId')::uuid FROM jsonb_array_elements(p_items) AS e))
      ORDER BY h.chat_id FOR NO KEY UPDATE) l;
    SELECT coalesce(array_agg(l.idx), '{}') INTO v_locked FROM (
      SELECT e.ordinality::integer AS idx FROM jsonb_array_elements(p_items) WITH ORDINALITY AS e (item, ordinality)
      JOIN chat.chat_participant p ON p.chat_id = (e.item ->> 'chatId')::uuid AND p.user_id = e.item ->> 'userId'
      WHERE p.chat_id = ANY (v_chats)
      ORDER BY p.chat_id, p.user_id FOR NO KEY UPDATE OF p) l;
  ELSE
    SELECT coalesce(array_agg(l.chat_id), '{}') INTO v_chats FROM (
      SELECT h.chat_id FROM chat.chat_head h
      WHERE h.chat_id = ANY (ARRAY(SELECT (e ->> 'chatId')::uuid FROM jsonb_array_elements(p_items) AS e))
      ORDER BY h.chat_id FOR NO KEY UPDATE SKIP LOCKED) l;
    SELECT coalesce(array_agg(l.idx), '{}') INTO v_locked FROM (
      SELECT e.ordinality::integer AS idx FROM jsonb_array_elements(p_items) WITH ORDINALITY AS e (item, ordinality)
      JOIN chat.chat_participant p ON p.chat_id = (e.item ->> 'chatId')::uuid AND p.user_id = e.item ->> 'userId'
      WHERE p.chat_id = ANY (v_chats)
      ORDER BY p.chat_id, p.user_id FOR NO KEY UPDATE OF p SKIP LOCKED) l;
  END IF;

  v_now := clock_timestamp();

  FOR i IN
    WITH item AS MATERIALIZED (
      SELECT e.ordinality::integer AS idx, (e.item ->> 'chatId')::uuid AS chat_id, (e.item ->> 'seq')::integer AS seq, e.item ->> 'userId' AS user_id,
        e.item ->> 'emoji' AS emoji, (e.item ->> 'isAdded')::boolean AS is_added, e.ordinality = ANY (v_locked) AS locked
      FROM jsonb_array_elements(p_items) WITH ORDINALITY AS e (item, ordinality)
    )
    SELECT x.idx, x.chat_id, x.seq, x.user_id, x.emoji, x.is_added, h.last_revision, m.sender_id,
      CASE
        WHEN NOT x.locked AND EXISTS (SELECT FROM chat.chat_participant y WHERE y.chat_id = x.chat_id AND y.user_id = x.user_id) THEN 'BUSY'
        WHEN c.id IS NULL OR c.deleted_at IS NOT NULL THEN 'MESSAGE_NOT_FOUND'
        -- Who only looks at a STREAM has to speak first.
        WHEN p.state IS DISTINCT FROM 'JOINED' THEN CASE WHEN c.type = 'STREAM' AND p.state IS DISTINCT FROM 'BANNED' THEN 'NOT_IN_CHAT' ELSE 'MESSAGE_NOT_FOUND' END
        WHEN m.seq IS NULL OR m.seq <= chat.bound(h, p)
          OR EXISTS (SELECT FROM chat.message_hidden y WHERE y.chat_id = x.chat_id AND y.user_id = x.user_id AND y.seq = x.seq) THEN 'MESSAGE_NOT_FOUND'
        WHEN m.deleted_at IS NOT NULL THEN 'MESSAGE_DELETED'
        WHEN p.silenced_until > v_now THEN 'SILENCED'
        WHEN EXISTS (
          SELECT FROM chat.user_block b
          WHERE (b.user_id, b.blocked_user_id) IN ((c.direct_low, c.direct_high), (c.direct_high, c.direct_low), (x.user_id, m.sender_id), (m.sender_id, x.user_id))) THEN 'CHAT_BLOCKED'
        WHEN c.request_status IN ('PENDING', 'REJECTED') THEN 'REQUEST_PENDING'
      END AS verdict
    FROM item x
    LEFT JOIN chat.chat_session c ON c.id = x.chat_id
    LEFT JOIN chat.chat_head h ON h.chat_id = c.id
    LEFT JOIN chat.chat_participant p ON p.chat_id = c.id AND p.user_id = x.user_id
    -- (As the first from a seq on: only the primary key has that order, whatever plan an empty table has left.)
    LEFT JOIN LATERAL (
      SELECT q.* FROM (SELECT f.seq, f.sender_id, f.deleted_at FROM chat.chat_message f WHERE f.chat_id = x.chat_id AND f.seq >= x.seq ORDER BY f.seq LIMIT 1) q
      WHERE q.seq = x.seq) m ON true
    ORDER BY x.chat_id, x.idx
  LOOP
    IF i.chat_id IS DISTINCT FROM v_chat THEN
      UPDATE chat.chat_head h SET last_revision = v_revision WHERE h.chat_id = v_chat AND h.last_revision < v_revision;
      v_chat := i.chat_id;
      v_revision := i.last_revision;
    END IF;
    idx := i.idx;
    code := i.verdict;
    revision := NULL;
    previous_revision := NULL;
    sender_id := i.sender_id;
    message := NULL;
    IF i.verdict IS NULL THEN
      -- What the earlier ones of the batch have written counts.
      SELECT coalesce(array_agg(DISTINCT r.emoji), '{}'), coalesce(bool_or(r.emoji = i.emoji AND r.user_id = i.user_id), false) INTO v_used, v_has
      FROM chat.message_reaction r WHERE r.chat_id = i.chat_id AND r.seq = i.seq;
      IF v_has <> i.is_added AND i.is_added AND i.emoji <> ALL (v_used) AND cardinality(v_used) >= c_max_emoji THEN
        code := 'REACTION_LIMIT';
      END IF;
    END IF;
    IF code = 'BUSY' THEN
      status := 'busy';
      code := NULL;
    ELSIF code IS NOT NULL THEN
      status := 'rejected';
    ELSIF v_has = i.is_added THEN
      status := 'unchanged';
      SELECT chat.message_json(m) INTO STRICT message FROM chat.chat_message m WHERE m.chat_id = i.chat_id AND m.seq >= i.seq ORDER BY m.seq LIMIT 1;
    ELSE
      status := 'changed';
      IF i.is_added THEN
        INSERT INTO chat.message_reaction (chat_id, seq, emoji, user_id, created_at) VALUES (i.chat_id, i.seq, i.emoji, i.user_id, clock_timestamp());
      ELSE
        DELETE FROM chat.message_reaction r WHERE r.chat_id = i.chat_id AND r.seq = i.seq AND r.emoji = i.emoji AND r.user_id = i.user_id;
      END IF;
      previous_revision := v_revision;
      v_revision := v_revision + 1;
      revision := v_revision;
      UPDATE chat.chat_message AS m SET reactions = chat.reactions_json(i.chat_id, i.seq), revision = v_revision
      WHERE m.ctid = (SELECT f.ctid FROM chat.chat_message f WHERE f.chat_id = i.chat_id AND f.seq >= i.seq ORDER BY f.seq LIMIT 1)
      RETURNING chat.message_json(m) INTO STRICT message;
    END IF;
    RETURN NEXT;
  END LOOP;
  UPDATE chat.chat_head h SET last_revision = v_revision WHERE h.chat_id = v_chat AND h.last_revision < v_revision;
END $$;
