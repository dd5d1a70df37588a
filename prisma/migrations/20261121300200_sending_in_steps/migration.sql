-- The shared form of a message, put together as text: json_build_object looks up the types of its 48 arguments for each row anew.
CREATE OR REPLACE FUNCTION chat.message_json(m chat.chat_message) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN concat(
  '{"id":"', (m).chat_id, '.', (m).seq, '","chatId":"', (m).chat_id, '","seq":', (m).seq, ',"revision":', (m).revision,
  ',"senderId":', coalesce(to_json((m).sender_id)::text, 'null'), ',"senderLabel":', coalesce(to_json((m).sender_label)::text, 'null'), ',"type":"', (m).type,
  '","content":', coalesce(to_json((m).content)::text, 'null'), ',"attachments":[],"metadata":', (m).metadata, ',"system":', coalesce((m).system::text, 'null'),
  ',"replyTo":', coalesce(chat.message_ref((m).chat_id, (m).reply_to_seq)::text, 'null'),
  ',"threadRoot":', coalesce(chat.message_ref((m).chat_id, (m).thread_root_seq)::text, 'null'),
  ',"thread":', CASE WHEN (m).reply_count > 0 THEN concat('{"replyCount":', (m).reply_count, ',"lastReplySeq":', coalesce((m).last_reply_seq::text, 'null'), '}') ELSE 'null' END,
  ',"forwardedFrom":', coalesce((m).forwarded_from::text, 'null'),
  ',"mentions":', coalesce((m).mentions::text, '{"userIds":[],"all":false}'),
  ',"reactions":', coalesce((m).reactions::text, '[]'),
  ',"pinned":', CASE WHEN (m).pinned_at IS NOT NULL THEN json_build_object('userId', (m).pinned_by_id, 'at', chat.rfc3339((m).pinned_at))::text ELSE 'null' END,
  ',"clientMessageId":', to_json((m).client_message_id),
  ',"createdAt":"', chat.rfc3339((m).created_at), '","editedAt":', coalesce('"' || chat.rfc3339((m).edited_at) || '"', 'null'),
  ',"deletedAt":', coalesce('"' || chat.rfc3339((m).deleted_at) || '"', 'null'), ',"deletedById":', coalesce(to_json((m).deleted_by_id)::text, 'null'), '}')::json;

-- What becomes of each item of a batch, under way through chat.send_messages.
CREATE TYPE chat.sending AS (
  idx integer,
  -- created, duplicate, busy, or why not.
  outcome text,
  chat_id uuid,
  sender_id text,
  type chat.message_type,
  -- Of the message that was made, now or earlier.
  seq integer,
  revision integer,
  created_at timestamptz,
  -- From here on of a new one alone. Its place among the new ones by chat and seq (which a repeat in the batch shares);
  place integer,
  previous_revision integer,
  ordinal integer,
  sender_ordinal integer,
  label text,
  thread_seq integer,
  mentioned jsonb,
  -- how many of the sender's in the batch it ends, and where they stood before the first;
  sender_rank integer,
  stood_at integer,
  is_private boolean,
  -- whether the sender becomes a participant by it, and whether it is the last of its thread in the batch.
  joins boolean,
  ends_thread boolean,
  watermark json,
  retry_after_ms integer
);

-- Sending. Everything that becomes a message goes through this function: REST, WebSocket, system messages, and an
-- application that sends inside a transaction of its own (once, last).
--
-- p_items: [{ "chatId", "senderId" | null, "type"?, "content"?, "metadata"?, "system"?, "replyToSeq"?, "threadRootSeq"?, "mentions"?: { "userIds", "all" },
--             "forwardedFrom"?, "clientMessageId", "requestHash", "searchKeys"? }] (without the last it is searched a moment later)
-- p_wait:  false: a chat whose head, or a sender's row, is held is not waited for: its items come back BUSY.
-- p_notify: wake the nodes by NOTIFY parley. The nodes themselves publish what they have sent, and pass false.
--
-- One row an item, in the order of the items (idx from 1). status:
--   created    the new message
--   duplicate  the message, as it is now, that the sender's clientMessageId has made before (or earlier in the batch)
--   rejected   nothing was written, code says why
--   busy       nothing was written, send it again
-- previous_revision is the chat's revision before the message and the rows that change with it, each of which has a revision
-- of its own, just below the message's: participant, when the sender has become one by speaking in a STREAM; thread_root, the
-- message at the top of the thread (with the last reply of the batch to it). watermark is set when the sender stood right
-- before their own message and was moved onto it. It is for everybody, unless it says publicReadSeq (what others are told of
-- a sender who reads privately) and hiddenFrom (whom the sender blocks).
--
-- The ordering rule: heads are locked by chat, then the senders by (chat, user), and only a later statement looks at
-- anything, so that it sees all that the holders before it have committed. Numbers given out under the lock become visible
-- in their order. The planner is kept from hashing or scanning the message table: every look-up here is a probe.
--
-- It goes in steps, so that a batch costs no more than what is in it: one statement judges and numbers all items, the next ones write
-- rows that are known by then. What few messages have (somebody who joins, mentions, threads, repeats) is written by
-- statements that run only where it is there. No step compares items with items: what belongs together is found by position.
CREATE OR REPLACE FUNCTION chat.send_messages(p_items jsonb, p_wait boolean DEFAULT true, p_notify boolean DEFAULT true)
RETURNS TABLE (idx integer, status text, code text, message_id text, chat_id uuid, seq integer, revision integer, previous_revision integer,
               created_at timestamptz, retry_after_ms integer, watermark json, participant json, thread_root json, message json)
LANGUAGE plpgsql VOLATILE
SET search_path = '' SET lock_timeout = '5s'
SET plan_cache_mode = force_generic_plan SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  v_locked uuid[];
  v_now timestamptz;
  v_rows chat.sending[];
  v_joining integer[];
  v_joined json[];
  v_messages json[];
  v_ending integer[];
  v_roots json[];
  v_earlier json[];
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'PARLEY_ISOLATION: chat.send_messages needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
  END IF;

  IF p_wait THEN
    SELECT coalesce(array_agg(l.chat_id), '{}') INTO v_locked FROM (
      SELECT h.chat_id FROM chat.chat_head h
      WHERE h.chat_id = ANY (ARRAY(SELECT (i ->> 'chatId')::uuid FROM jsonb_array_elements(p_items) AS i))
      ORDER BY h.chat_id FOR NO KEY UPDATE) l;
  ELSE
    SELECT coalesce(array_agg(l.chat_id), '{}') INTO v_locked FROM (
      SELECT h.chat_id FROM chat.chat_head h
      WHERE h.chat_id = ANY (ARRAY(SELECT (i ->> 'chatId')::uuid FROM jsonb_array_elements(p_items) AS i))
      ORDER BY h.chat_id FOR NO KEY UPDATE SKIP LOCKED) l;
  END IF;

  IF p_wait THEN
    PERFORM FROM chat.chat_participant p
    JOIN (SELECT DISTINCT (i ->> 'chatId')::uuid AS chat_id, i ->> 'senderId' AS user_id FROM jsonb_array_elements(p_items) AS i) s
      ON p.chat_id = s.chat_id AND p.user_id = s.user_id
    WHERE s.chat_id = ANY (v_locked)
    ORDER BY p.chat_id, p.user_id FOR NO KEY UPDATE OF p;
  ELSE
    -- A chat with a sender whose row is held is busy as a whole, so that it keeps its order.
    WITH sender AS MATERIALIZED (
      SELECT DISTINCT (i ->> 'chatId')::uuid AS chat_id, i ->> 'senderId' AS user_id FROM jsonb_array_elements(p_items) AS i
    ), free AS MATERIALIZED (
      SELECT p.chat_id, p.user_id FROM chat.chat_participant p JOIN sender s ON p.chat_id = s.chat_id AND p.user_id = s.user_id
      WHERE s.chat_id = ANY (v_locked)
      ORDER BY p.chat_id, p.user_id FOR NO KEY UPDATE OF p SKIP LOCKED
    )
    SELECT coalesce(array_agg(l.chat_id), '{}') INTO v_locked FROM unnest(v_locked) AS l (chat_id)
    WHERE l.chat_id <> ALL (ARRAY(
      SELECT counted.chat_id FROM (
        SELECT p.chat_id, 1 AS difference FROM sender s JOIN chat.chat_participant p ON p.chat_id = s.chat_id AND p.user_id = s.user_id
        WHERE s.chat_id = ANY (v_locked)
        UNION ALL SELECT f.chat_id, -1 FROM free f) counted
      GROUP BY counted.chat_id HAVING sum(counted.difference) > 0));
  END IF;

  v_now := clock_timestamp();

  WITH item AS MATERIALIZED (
    SELECT e.ordinality::integer AS idx, r.chat_id, r.sender_id, coalesce(r.type, 'TEXT')::chat.message_type AS type,
      r.reply_to_seq, r.thread_root_seq, r.mentions, r.is_forward, r.client_message_id, r.request_hash, r.chat_id = ANY (v_locked) AS locked,
      -- The same key earlier in this batch: it shares that item's answer.
      first_value(e.ordinality::integer) OVER same_key AS first_idx,
      first_value(r.request_hash) OVER same_key AS first_hash
    FROM jsonb_array_elements(p_items) WITH ORDINALITY AS e (item, ordinality)
    CROSS JOIN LATERAL (SELECT (e.item ->> 'chatId')::uuid AS chat_id, e.item ->> 'senderId' AS sender_id, e.item ->> 'type' AS type,
      (e.item ->> 'replyToSeq')::integer AS reply_to_seq, (e.item ->> 'threadRootSeq')::integer AS thread_root_seq, e.item -> 'mentions' AS mentions,
      e.item ? 'forwardedFrom' AS is_forward, e.item ->> 'clientMessageId' AS client_message_id, e.item ->> 'requestHash' AS request_hash) r
    WINDOW same_key AS (PARTITION BY r.chat_id, coalesce(r.sender_id, ''), r.client_message_id ORDER BY e.ordinality)
  ),
  judged AS MATERIALIZED (
    SELECT i.*, h.last_seq, h.last_revision, h.last_ordinal, h.last_message_at, coalesce(p.sent_count, 0) AS sent_count,
      p.read_seq, p.delivered_seq, p.public_read_seq, p.label,
      coalesce(u.settings @> '{"privateReading": true}', false) AS is_private,
      u.settings @> '{"privateReading": true}' OR p.public_read_seq IS NOT NULL OR EXISTS (SELECT FROM chat.user_block b WHERE b.user_id = i.sender_id) AS is_veiled,
      thread.seq AS thread_seq, i.sender_id IS NOT NULL AND p.state IS DISTINCT FROM 'JOINED' AS is_new,
      earlier.seq AS earlier_seq, earlier.revision AS earlier_revision, earlier.created_at AS earlier_created_at,
      CASE
        WHEN h.chat_id IS NULL THEN CASE WHEN EXISTS (SELECT FROM chat.chat_head x WHERE x.chat_id = i.chat_id) THEN 'BUSY' ELSE 'CHAT_NOT_FOUND' END
        WHEN earlier.seq IS NOT NULL THEN CASE WHEN earlier.request_hash = i.request_hash THEN 'DUPLICATE' ELSE 'MESSAGE_ID_CONFLICT' END
        WHEN c.deleted_at IS NOT NULL THEN 'CHAT_NOT_FOUND'
        WHEN i.sender_id IS NULL THEN NULL
        -- In a STREAM anybody may speak, and is a participant from then on.
        WHEN p.state IS DISTINCT FROM 'JOINED' AND (c.type <> 'STREAM' OR p.state = 'BANNED' OR u.id IS NULL)
          AND (c.request_status = 'REJECTED' AND p.state = 'REJECTED') IS NOT TRUE THEN 'CHAT_NOT_FOUND'
        WHEN u.banned_until > v_now THEN 'USER_BANNED'
        WHEN p.silenced_until > v_now THEN 'SILENCED'
        WHEN coalesce(p.role, 'MEMBER') > c.who_may_send THEN 'CHAT_READ_ONLY'
        WHEN c.type = 'DIRECT' AND EXISTS (
          SELECT FROM chat.user_block b
          WHERE (b.user_id, b.blocked_user_id) IN ((c.direct_low, c.direct_high), (c.direct_high, c.direct_low))) THEN 'CHAT_BLOCKED'
        -- A request. Who is asked answers by writing, and who was refused long ago asks anew: both change more than this
        -- function does, and so does chats/requests.ts, around it, when it hears REQUEST_PENDING.
        WHEN c.request_status = 'PENDING' THEN CASE
          WHEN i.sender_id <> c.requested_by_id OR i.is_forward THEN 'REQUEST_PENDING'
          WHEN p.sent_count >= c.request_allowance THEN 'REQUEST_LIMIT' END
        WHEN c.request_status = 'REJECTED' THEN CASE
          WHEN i.sender_id = c.requested_by_id AND v_now < chat.may_ask_again_at(c.answered_at) THEN 'REQUEST_LIMIT' ELSE 'REQUEST_PENDING' END
        WHEN i.reply_to_seq IS NOT NULL AND NOT EXISTS (
          SELECT FROM (SELECT f.seq, f.deleted_at FROM chat.chat_message f WHERE f.chat_id = i.chat_id AND f.seq >= i.reply_to_seq ORDER BY f.seq LIMIT 1) q
          WHERE q.seq = i.reply_to_seq AND q.seq > coalesce(chat.bound(h, p), h.min_seq - 1) AND q.deleted_at IS NULL) THEN 'MESSAGE_NOT_FOUND'
        WHEN i.thread_root_seq IS NOT NULL AND thread.seq IS NULL THEN 'MESSAGE_NOT_FOUND'
        -- @all is for those who keep the order.
        WHEN (i.mentions ->> 'all')::boolean AND c.type <> 'DIRECT' AND coalesce(p.role, 'MEMBER') > 'MODERATOR' THEN 'ROLE_REQUIRED'
        WHEN slow.free_at > v_now THEN 'SLOW_MODE'
        -- Nothing else is in the way: whoever sends opens the chat again, and then the message is let in.
        WHEN c.support_status = 'CLOSED' THEN 'CHAT_CLOSED'
      END AS verdict,
      CASE WHEN c.slow_mode_seconds > 0 AND coalesce(p.role, 'MEMBER') = 'MEMBER' AND i.sender_id IS NOT NULL THEN c.slow_mode_seconds END AS slow_mode_seconds,
      CASE WHEN c.request_status = 'PENDING' AND i.sender_id IS NOT NULL THEN c.request_allowance - p.sent_count END AS left_to_say,
      -- Somebody may be silenced for a year, or for ever.
      least(1000 * (CASE
        WHEN p.silenced_until > v_now THEN extract(epoch FROM p.silenced_until)
        WHEN slow.free_at > v_now THEN extract(epoch FROM slow.free_at)
      END - extract(epoch FROM v_now)), 2147483647)::integer AS retry_after_ms
    FROM item i
    LEFT JOIN chat.chat_head h ON h.chat_id = i.chat_id AND i.locked
    LEFT JOIN chat.chat_session c ON c.id = h.chat_id
    LEFT JOIN chat.chat_participant p ON p.chat_id = h.chat_id AND p.user_id = i.sender_id
    LEFT JOIN chat.chat_user u ON u.id = i.sender_id
    LEFT JOIN LATERAL (
      SELECT m.seq, m.revision, m.request_hash, m.created_at FROM chat.chat_message m
      WHERE m.chat_id = h.chat_id AND coalesce(m.sender_id, '') = coalesce(i.sender_id, '') AND m.client_message_id = i.client_message_id LIMIT 1) earlier ON true
    LEFT JOIN LATERAL (
      SELECT m.created_at + make_interval(secs => c.slow_mode_seconds) AS free_at FROM chat.chat_message m
      WHERE c.slow_mode_seconds > 0 AND coalesce(p.role, 'MEMBER') = 'MEMBER' AND m.chat_id = h.chat_id AND m.sender_id = i.sender_id
      ORDER BY m.seq DESC LIMIT 1) slow ON true
    -- Who answers to an answer writes in its thread. (Each is asked for as the first from a seq on: only the primary key has that
    -- order. By a plain equality a plan that was made while the table was empty, and is kept, reads through the whole chat.)
    LEFT JOIN LATERAL (
      SELECT coalesce(q.thread_root_seq, q.seq) AS root_seq FROM (
        SELECT f.* FROM chat.chat_message f WHERE f.chat_id = h.chat_id AND f.seq >= i.thread_root_seq ORDER BY f.seq LIMIT 1) q
      WHERE q.seq = i.thread_root_seq AND q.seq > coalesce(chat.bound(h, p), h.min_seq - 1) AND q.deleted_at IS NULL AND q.type <> 'SYSTEM'
        AND NOT chat.is_hidden(h.chat_id, q.seq, i.sender_id)) told ON true
    LEFT JOIN LATERAL (
      SELECT root.seq FROM (
        SELECT f.seq, f.deleted_at FROM chat.chat_message f WHERE f.chat_id = h.chat_id AND f.seq >= told.root_seq ORDER BY f.seq LIMIT 1) root
      WHERE root.seq = told.root_seq AND root.deleted_at IS NULL) thread ON true
  ),
  -- Within the batch: in slow mode only the first of a sender's messages is let through, and of a request as many as are left.
  paced AS (
    SELECT j.*, j.verdict IS NULL AND j.idx = j.first_idx AND coalesce(row_number() OVER (
      PARTITION BY j.chat_id, j.sender_id ORDER BY j.verdict IS NOT NULL OR j.idx <> j.first_idx, j.idx)
        <= least(CASE WHEN j.slow_mode_seconds IS NOT NULL THEN 1 END, j.left_to_say), true) AS accepted
    FROM judged j
  ),
  ranked AS (
    SELECT a.*, row_number() OVER sender_order AS sender_rank, count(*) FILTER (WHERE a.type <> 'SYSTEM') OVER sender_order AS sender_count,
      a.accepted AND a.is_new AND row_number() OVER sender_order = 1 AS joins,
      a.accepted AND a.thread_seq IS NOT NULL AND row_number() OVER (PARTITION BY a.accepted, a.chat_id, a.thread_seq ORDER BY a.idx DESC) = 1 AS ends_thread
    FROM paced a
    WINDOW sender_order AS (PARTITION BY a.accepted, a.chat_id, a.sender_id ORDER BY a.idx)
  ),
  numbered AS (
    SELECT a.*, a.last_seq + row_number() OVER chat_order AS seq,
      a.last_revision + sum(1 + a.joins::integer + a.ends_thread::integer) OVER chat_order AS revision,
      a.last_ordinal + count(*) FILTER (WHERE a.type <> 'SYSTEM') OVER chat_order AS ordinal,
      row_number() OVER (PARTITION BY a.accepted ORDER BY a.chat_id, a.idx) AS place
    FROM ranked a
    WINDOW chat_order AS (PARTITION BY a.accepted, a.chat_id ORDER BY a.idx)
  ),
  stood AS (
    -- Who has just come has read what was there.
    SELECT n.*, CASE WHEN n.is_new THEN first_value(n.seq) OVER (PARTITION BY n.accepted, n.chat_id, n.sender_id ORDER BY n.idx) - 1 ELSE n.read_seq END AS stood_at
    FROM numbered n
  ),
  settled AS (
    SELECT s.*, s.idx = s.first_idx AS is_first,
      first_value(CASE WHEN s.accepted THEN 'created'
        ELSE coalesce(s.verdict, CASE WHEN s.left_to_say IS NULL THEN 'SLOW_MODE' ELSE 'REQUEST_LIMIT' END) END) OVER same_key AS first_outcome,
      first_value(CASE WHEN s.accepted THEN s.seq ELSE s.earlier_seq END) OVER same_key AS first_seq,
      first_value(CASE WHEN s.accepted THEN s.revision ELSE s.earlier_revision END) OVER same_key AS first_revision,
      first_value(CASE WHEN s.accepted THEN greatest(v_now, s.last_message_at) ELSE s.earlier_created_at END) OVER same_key AS first_created_at,
      first_value(CASE WHEN s.accepted THEN s.place END) OVER same_key AS first_place
    FROM stood s
    WINDOW same_key AS (PARTITION BY s.first_idx ORDER BY s.idx)
  )
  SELECT array_agg(ROW(s.idx,
      CASE
        WHEN s.accepted THEN 'created'
        WHEN s.first_outcome = 'BUSY' THEN 'busy'
        WHEN s.first_outcome = 'DUPLICATE' OR (s.first_outcome = 'created' AND NOT s.is_first) THEN CASE WHEN s.is_first OR s.first_hash = s.request_hash THEN 'duplicate' ELSE 'MESSAGE_ID_CONFLICT' END
        ELSE s.first_outcome
      END,
      s.chat_id, s.sender_id, s.type, s.first_seq, s.first_revision, s.first_created_at, s.first_place,
      CASE WHEN s.accepted THEN s.revision - 1 - s.joins::integer - s.ends_thread::integer END,
      s.ordinal, CASE WHEN s.type = 'SYSTEM' THEN 0 ELSE s.sent_count + s.sender_count END, s.label, s.thread_seq,
      CASE WHEN s.accepted AND s.mentions IS NOT NULL THEN chat.mentioned(s.chat_id, s.mentions) END,
      s.sender_rank, s.stood_at, s.is_private, s.joins, s.ends_thread,
      -- A sender who had read everything before their message has read that, too. seq - rank never falls in a sender's run, so the
      -- messages that continue the watermark are its beginning.
      CASE WHEN s.accepted AND s.seq = s.stood_at + s.sender_rank THEN
        CASE WHEN s.is_veiled THEN json_build_object('userId', s.sender_id, 'deliveredSeq', greatest(s.seq, CASE WHEN NOT s.is_new THEN s.delivered_seq END), 'readSeq', s.seq,
          'publicReadSeq', coalesce(CASE WHEN NOT s.is_new THEN coalesce(s.public_read_seq, CASE WHEN s.is_private THEN s.read_seq END) END, s.seq), 'hiddenFrom', chat.blocked_by(s.sender_id))
        ELSE json_build_object('userId', s.sender_id, 'deliveredSeq', greatest(s.seq, CASE WHEN NOT s.is_new THEN s.delivered_seq END), 'readSeq', s.seq) END
      END,
      CASE WHEN s.first_outcome IN ('SLOW_MODE', 'SILENCED') THEN coalesce(s.retry_after_ms, s.slow_mode_seconds * 1000) END)::chat.sending ORDER BY s.idx),
    array_agg(s.idx ORDER BY s.chat_id, s.sender_id) FILTER (WHERE s.joins),
    array_agg(s.idx ORDER BY s.chat_id, s.thread_seq) FILTER (WHERE s.ends_thread)
  INTO v_rows, v_joining, v_ending
  FROM settled s;

  IF v_joining IS NOT NULL THEN
    WITH joined AS (
      INSERT INTO chat.chat_participant AS p (chat_id, user_id, joined_at, join_revision, revision, inbox_revision, delivered_seq, read_seq, sent_count)
      SELECT g.chat_id, g.sender_id, v_now, g.join_revision, g.join_revision, 1, g.read_seq, g.read_seq, g.sender_ordinal FROM (
        SELECT r.chat_id, r.sender_id, max(r.previous_revision + 1) FILTER (WHERE r.joins) AS join_revision, max(r.sender_ordinal) AS sender_ordinal,
          min(r.stood_at) + count(*) FILTER (WHERE r.seq = r.stood_at + r.sender_rank)::integer AS read_seq
        FROM unnest(v_rows) r WHERE r.outcome = 'created' GROUP BY r.chat_id, r.sender_id) g
      WHERE g.join_revision IS NOT NULL
      ON CONFLICT (chat_id, user_id) DO UPDATE SET state = 'JOINED', role = 'MEMBER', joined_at = excluded.joined_at, join_revision = excluded.join_revision, revision = excluded.revision,
        delivered_seq = excluded.delivered_seq, read_seq = excluded.read_seq, public_read_seq = NULL, sent_count = excluded.sent_count
      RETURNING p.chat_id, p.user_id, chat.participant_json(p) AS participant
    )
    SELECT array_agg(j.participant ORDER BY j.chat_id, j.user_id) INTO v_joined FROM joined j;
  END IF;

  WITH senders AS (
    UPDATE chat.chat_participant p SET sent_count = g.sender_ordinal, read_seq = g.read_seq, delivered_seq = greatest(p.delivered_seq, g.read_seq),
      public_read_seq = CASE WHEN g.is_private AND g.read_seq > p.read_seq THEN coalesce(p.public_read_seq, p.read_seq) ELSE p.public_read_seq END
    FROM (
      SELECT r.chat_id, r.sender_id, max(r.sender_ordinal) AS sender_ordinal, bool_or(r.is_private) AS is_private,
        min(r.stood_at) + count(*) FILTER (WHERE r.seq = r.stood_at + r.sender_rank)::integer AS read_seq
      FROM unnest(v_rows) r WHERE r.outcome = 'created' AND r.sender_id IS NOT NULL GROUP BY r.chat_id, r.sender_id HAVING NOT bool_or(r.joins)) g
    WHERE p.chat_id = g.chat_id AND p.user_id = g.sender_id
  ),
  heads AS (
    UPDATE chat.chat_head h SET last_seq = g.last_seq, last_revision = g.last_revision, last_ordinal = g.last_ordinal,
      last_ordinal_seq = coalesce(g.last_ordinal_seq, h.last_ordinal_seq), last_message_at = g.last_message_at, member_count = h.member_count + g.joined
    FROM (
      SELECT r.chat_id, count(*) FILTER (WHERE r.joins)::integer AS joined, max(r.seq) AS last_seq, max(r.revision) AS last_revision, max(r.ordinal) AS last_ordinal,
        max(r.seq) FILTER (WHERE r.type <> 'SYSTEM') AS last_ordinal_seq, max(r.created_at) AS last_message_at
      FROM unnest(v_rows) r WHERE r.outcome = 'created' GROUP BY r.chat_id) g
    WHERE h.chat_id = g.chat_id
  ),
  said AS MATERIALIZED (
    SELECT r.*, i.content, i.metadata, i.system, i.reply_to_seq, i.forwarded_from, i.client_message_id, i.request_hash, i.search_keys
    FROM ROWS FROM (unnest(v_rows), jsonb_array_elements(p_items)) AS r (idx, outcome, chat_id, sender_id, type, seq, revision, created_at, place, previous_revision, ordinal, sender_ordinal,
      label, thread_seq, mentioned, sender_rank, stood_at, is_private, joins, ends_thread, watermark, retry_after_ms, item)
    CROSS JOIN LATERAL (SELECT r.item ->> 'content' AS content, coalesce(r.item -> 'metadata', '{}'::jsonb) AS metadata, r.item -> 'system' AS system, (r.item ->> 'replyToSeq')::integer AS reply_to_seq,
      r.item -> 'forwardedFrom' AS forwarded_from, r.item ->> 'clientMessageId' AS client_message_id, r.item ->> 'requestHash' AS request_hash, r.item ->> 'searchKeys' AS search_keys) i
    WHERE r.outcome = 'created'
  ),
  inserted AS (
    INSERT INTO chat.chat_message AS m (chat_id, seq, revision, ordinal, sender_ordinal, sender_id, sender_label, type, content, metadata, system,
      reply_to_seq, thread_root_seq, mentions, forwarded_from, client_message_id, request_hash, created_at)
    SELECT n.chat_id, n.seq, n.revision, n.ordinal, n.sender_ordinal, n.sender_id, n.label, n.type, n.content, n.metadata, n.system,
      n.reply_to_seq, n.thread_seq, n.mentioned, n.forwarded_from, n.client_message_id, n.request_hash, n.created_at
    FROM said n ORDER BY n.place
    RETURNING m.chat_id, m.seq, chat.message_json(m) AS message
  ),
  searchable AS (
    INSERT INTO chat.message_search (chat_id, seq, revision, keys)
    SELECT n.chat_id, n.seq, n.revision, n.search_keys FROM said n WHERE chat.is_searchable(n.type, n.content) ORDER BY n.place
  )
  SELECT array_agg(i.message ORDER BY i.chat_id, i.seq) INTO v_messages FROM inserted i;

  INSERT INTO chat.mention (chat_id, seq, n, user_id)
  SELECT r.chat_id, r.seq, row_number() OVER (PARTITION BY r.chat_id, r.seq), m.user_id
  FROM unnest(v_rows) r CROSS JOIN LATERAL (
    SELECT e.user_id FROM jsonb_array_elements_text(r.mentioned -> 'userIds') AS e (user_id) UNION ALL SELECT NULL WHERE (r.mentioned ->> 'all')::boolean) m
  WHERE r.mentioned IS NOT NULL;

  IF v_ending IS NOT NULL THEN
    WITH roots AS (
      UPDATE chat.chat_message m SET reply_count = m.reply_count + g.replies, last_reply_seq = g.last_reply_seq, revision = g.revision
      FROM (SELECT r.chat_id, r.thread_seq, count(*)::integer AS replies, max(r.seq) AS last_reply_seq, max(r.revision) FILTER (WHERE r.ends_thread) - 1 AS revision
            FROM unnest(v_rows) r WHERE r.outcome = 'created' AND r.thread_seq IS NOT NULL GROUP BY r.chat_id, r.thread_seq) g
      WHERE m.chat_id = g.chat_id AND m.seq = g.thread_seq
      RETURNING m.chat_id, m.seq, chat.message_json(m) AS message
    )
    SELECT array_agg(t.message ORDER BY t.chat_id, t.seq) INTO v_roots FROM roots t;
  END IF;

  IF EXISTS (SELECT FROM unnest(v_rows) r WHERE r.outcome = 'duplicate' AND r.place IS NULL) THEN
    SELECT array_agg(CASE WHEN r.outcome = 'duplicate' AND r.place IS NULL THEN (
      SELECT chat.message_json(m) FROM chat.chat_message m WHERE m.chat_id = r.chat_id AND m.seq >= r.seq ORDER BY m.seq LIMIT 1) END ORDER BY r.idx) INTO v_earlier FROM unnest(v_rows) r;
  END IF;

  IF p_notify THEN
    PERFORM pg_notify('parley', json_build_object('chatId', r.chat_id, 'revision', max(r.revision))::text) FROM unnest(v_rows) r WHERE r.outcome = 'created' GROUP BY r.chat_id;
  END IF;

  RETURN QUERY
  SELECT r.idx, s.status, CASE WHEN s.status = 'busy' THEN 'BUSY' WHEN s.status = 'rejected' THEN r.outcome END,
    CASE WHEN s.is_there THEN r.chat_id || '.' || r.seq END, r.chat_id, CASE WHEN s.is_there THEN r.seq END, CASE WHEN s.is_there THEN r.revision END, r.previous_revision,
    CASE WHEN s.is_there THEN r.created_at END, r.retry_after_ms, r.watermark,
    CASE WHEN r.joins THEN v_joined[array_position(v_joining, r.idx)] END,
    CASE WHEN r.ends_thread THEN v_roots[array_position(v_ending, r.idx)] END,
    CASE WHEN s.is_there THEN coalesce(v_messages[r.place], v_earlier[r.idx]) END
  FROM unnest(v_rows) r
  CROSS JOIN LATERAL (SELECT CASE WHEN r.outcome IN ('created', 'duplicate', 'busy') THEN r.outcome ELSE 'rejected' END AS status, r.outcome IN ('created', 'duplicate') AS is_there) s
  ORDER BY r.idx;
END $$;
