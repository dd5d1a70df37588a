-- The functions that later features have changed: the newest form of each, whole.

-- Who follows a STREAM without being in it: as if they had been in it from the beginning, and read everything.
CREATE FUNCTION chat.onlooker(h chat.chat_head, p_user_id text) RETURNS chat.chat_participant
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_populate_record(NULL::chat.chat_participant, jsonb_build_object('chat_id', (h).chat_id, 'user_id', p_user_id, 'role', 'MEMBER', 'state', 'LEFT',
  'join_revision', 1, 'visible_from_seq', 1, 'cleared_seq', 0, 'delivered_seq', (h).last_seq, 'read_seq', (h).last_seq));

-- A user's way into a chat: one row for its members, and for everybody into a STREAM from which they are not banned; none for
-- strangers, former members and deleted chats.
CREATE OR REPLACE FUNCTION chat.viewer(p_chat_id uuid, p_user_id text)
RETURNS TABLE (c chat.chat_session, h chat.chat_head, p chat.chat_participant, bound integer, blocked text[])
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT c, h, v.p, chat.bound(h, v.p), chat.blocked_by(p_user_id)
  FROM chat.chat_session c
  JOIN chat.chat_head h ON h.chat_id = c.id
  LEFT JOIN chat.chat_participant p ON p.chat_id = c.id AND p.user_id = p_user_id
  CROSS JOIN LATERAL (SELECT CASE WHEN p.state = 'JOINED' THEN p ELSE chat.onlooker(h, p_user_id) END AS p) v
  WHERE c.id = p_chat_id AND c.deleted_at IS NULL AND (p.state = 'JOINED' OR c.type = 'STREAM' AND p.state IS DISTINCT FROM 'BANNED')
$$;

-- Of those whom a message mentions, who is in the chat; null: nobody.
CREATE FUNCTION chat.mentioned(p_chat_id uuid, p_mentions jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
  SELECT CASE WHEN count(*) > 0 OR (p_mentions ->> 'all')::boolean THEN
    jsonb_build_object('userIds', coalesce(jsonb_agg(e.user_id ORDER BY e.first), '[]'::jsonb), 'all', coalesce((p_mentions ->> 'all')::boolean, false)) END
  FROM (SELECT u.user_id, min(u.n) AS first FROM jsonb_array_elements_text(p_mentions -> 'userIds') WITH ORDINALITY AS u (user_id, n) GROUP BY u.user_id) e
  WHERE EXISTS (SELECT FROM chat.chat_participant p WHERE p.chat_id = p_chat_id AND p.user_id = e.user_id AND p.state = 'JOINED'));

-- Of the unread messages, those that mention me or all.
CREATE FUNCTION chat.mention_count(h chat.chat_head, p chat.chat_participant) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  base integer := greatest(p.read_seq, chat.bound(h, p));
BEGIN
  IF base >= h.last_ordinal_seq THEN
    RETURN 0;
  END IF;
  RETURN (
    SELECT count(*) FROM (
      SELECT x.seq FROM chat.mention x WHERE x.chat_id = h.chat_id AND x.user_id = p.user_id AND x.seq > base
      UNION
      SELECT x.seq FROM chat.mention x WHERE x.chat_id = h.chat_id AND x.user_id IS NULL AND x.seq > base) AS mine
    JOIN chat.chat_message m ON m.chat_id = h.chat_id AND m.seq = mine.seq
    WHERE m.deleted_at IS NULL AND m.sender_id <> ALL (chat.blocked_by(p.user_id) || p.user_id) AND NOT chat.is_hidden(h.chat_id, m.seq, p.user_id));
END $$;

CREATE OR REPLACE FUNCTION chat.membership_json(h chat.chat_head, p chat.chat_participant) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object('chatId', (p).chat_id, 'inboxRevision', (p).inbox_revision, 'state', (p).state, 'role', (p).role,
  'notifications', (p).notifications, 'mutedUntil', chat.rfc3339((p).muted_until), 'archived', chat.is_archived(h, p), 'archivedSeq', (p).archived_seq,
  'pinnedAt', chat.rfc3339((p).pinned_at), 'markedUnread', (p).marked_unread, 'visibleFromSeq', (p).visible_from_seq,
  'clearedSeq', (p).cleared_seq, 'joinRevision', (p).join_revision, 'invitedById', CASE WHEN (p).state = 'INVITED' THEN (p).invited_by_id END);

CREATE OR REPLACE FUNCTION chat.head_json(h chat.chat_head, p chat.chat_participant) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object('chatId', (h).chat_id, 'lastRevision', (h).last_revision, 'lastSeq', (h).last_seq,
  'lastOrdinalSeq', (h).last_ordinal_seq, 'minSeq', (h).min_seq,
  'messageCount', (h).last_ordinal, 'memberCount', (h).member_count, 'readSeq', (p).read_seq, 'deliveredSeq', (p).delivered_seq,
  'unreadCount', chat.unread_count(h, p), 'mentionCount', chat.mention_count(h, p), 'lastMessageAt', chat.rfc3339((h).last_message_at));

-- A chat from the beginning: its newest page, and all of its people where they are few.
CREATE OR REPLACE FUNCTION chat.changes_reset(v record, p_user_id text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  v_chat_id uuid := (v.h).chat_id;
  v_messages json;
  v_participants json;
  v_linked integer[];
  v_first integer;
BEGIN
  SELECT coalesce(json_agg(chat.message_json_for(page.m, v.blocked) ORDER BY (page.m).seq), '[]'::json), array_agg((page.m).reply_to_seq) || array_agg((page.m).thread_root_seq), min((page.m).seq)
  INTO v_messages, v_linked, v_first FROM (
    SELECT m FROM chat.chat_message m
    WHERE m.chat_id = v_chat_id AND m.seq > v.bound AND NOT chat.is_hidden(v_chat_id, m.seq, p_user_id)
    ORDER BY m.seq DESC LIMIT 50) page;
  SELECT coalesce(json_agg(chat.participant_json(p)), '[]'::json) INTO v_participants
  FROM chat.first_participants(v_chat_id, p_user_id, CASE WHEN (v.h).member_count <= chat.small_chat_members() THEN (v.h).member_count ELSE 50 END) p;
  RETURN json_build_object('chatId', v_chat_id, 'reset', true, 'upTo', (v.h).last_revision, 'head', chat.head_json(v.h, v.p),
    'chat', chat.chat_json(v.c), 'participants', v_participants, 'messages', v_messages,
    'hasOlder', EXISTS (SELECT FROM chat.chat_message m WHERE m.chat_id = v_chat_id AND m.seq > v.bound AND m.seq < v_first
                        AND NOT chat.is_hidden(v_chat_id, m.seq, p_user_id)),
    'watermarks', chat.watermarks_json(v.h, p_user_id),
    'related', chat.related_json(v_chat_id, v_linked, p_user_id, v.bound, v.blocked),
    'users', chat.named_users(v_messages, v_participants));
END $$;

-- The rows of a chat that have changed since a revision, as the user may see them: at most p_limit rows and about 256 KiB.
-- Null: not in the chat. {"ahead": true}: the cursor is from another history of the database. A reset when there is more
-- than a client would want to replay, or when its cursor is from before it joined (what it may see has changed).
CREATE OR REPLACE FUNCTION chat.changes(p_chat_id uuid, p_user_id text, p_since integer, p_limit integer) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  v record;
  v_chat json;
  v_messages json;
  v_participants json;
  v_linked integer[];
  v_last integer;
  v_more boolean;
BEGIN
  SELECT * INTO v FROM chat.viewer(p_chat_id, p_user_id);
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF p_since > (v.h).last_revision THEN
    RETURN '{"ahead": true}'::json;
  END IF;
  IF p_since < (v.p).join_revision OR p_since < (v.h).floor_revision OR 1000 < (
    SELECT count(*) FROM (SELECT FROM chat.chat_message m WHERE m.chat_id = p_chat_id AND m.revision > p_since LIMIT 1001) changed) THEN
    RETURN chat.changes_reset(v, p_user_id);
  END IF;

  WITH row_json AS (
    (SELECT m.revision, 'message' AS kind, chat.message_json_for(m, v.blocked) AS row, m.reply_to_seq, m.thread_root_seq FROM chat.chat_message m
     WHERE m.chat_id = p_chat_id AND m.revision > p_since AND m.seq > v.bound AND NOT chat.is_hidden(p_chat_id, m.seq, p_user_id)
     ORDER BY m.revision LIMIT p_limit + 1)
    UNION ALL
    (SELECT p.revision, 'participant', chat.participant_json(p), NULL, NULL FROM chat.chat_participant p
     WHERE p.chat_id = p_chat_id AND p.revision > p_since ORDER BY p.revision LIMIT p_limit + 1)
    UNION ALL
    SELECT (v.c).revision, 'chat', chat.chat_json(v.c), NULL, NULL WHERE (v.c).revision > p_since
  ), sized AS (
    SELECT r.*, row_number() OVER by_revision AS n, sum(length(r.row::text)) OVER by_revision AS size
    FROM row_json r WINDOW by_revision AS (ORDER BY r.revision)
  ), kept AS (
    SELECT * FROM sized WHERE n <= p_limit AND (n = 1 OR size <= 262144)
  )
  SELECT (SELECT k.row FROM kept k WHERE k.kind = 'chat'),
    coalesce(json_agg(k.row ORDER BY k.revision) FILTER (WHERE k.kind = 'message'), '[]'::json),
    coalesce(json_agg(k.row ORDER BY k.revision) FILTER (WHERE k.kind = 'participant'), '[]'::json),
    array_agg(k.reply_to_seq) || array_agg(k.thread_root_seq), max(k.revision), (SELECT count(*) FROM sized) > count(*)
  INTO v_chat, v_messages, v_participants, v_linked, v_last, v_more FROM kept k;

  RETURN json_build_object('chatId', p_chat_id, 'since', p_since, 'upTo', CASE WHEN v_more THEN v_last ELSE (v.h).last_revision END,
    'hasMore', v_more, 'head', chat.head_json(v.h, v.p), 'chat', v_chat, 'participants', v_participants, 'messages', v_messages,
    'watermarks', chat.watermarks_json(v.h, p_user_id),
    'related', chat.related_json(p_chat_id, v_linked, p_user_id, v.bound, v.blocked),
    'users', chat.named_users(v_messages, v_participants));
END $$;

-- The watermarks of all members of a small chat, but for those who block the viewer or are blocked by them; of a larger one,
-- and of a STREAM, the viewer's own. Who has not answered the viewer's request is told to have read nothing of it.
CREATE OR REPLACE FUNCTION chat.watermarks_json(h chat.chat_head, p_user_id text) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT coalesce(json_agg(CASE WHEN p.user_id <> p_user_id AND (SELECT chat.awaits_answer((h).chat_id, p_user_id))
          THEN json_build_object('userId', p.user_id, 'deliveredSeq', 0, 'readSeq', 0) ELSE chat.watermark_json_for(p, p_user_id) END ORDER BY p.user_id), '[]'::json) FROM chat.chat_participant p
        WHERE p.chat_id = (h).chat_id AND p.state = 'JOINED' AND (p.user_id = p_user_id OR (h).member_count <= chat.small_chat_members()
          AND EXISTS (SELECT FROM chat.chat_session c WHERE c.id = (h).chat_id AND c.type <> 'STREAM') AND NOT chat.is_blocked_between(p.user_id, p_user_id)));
DROP FUNCTION chat.watermark_json(chat.chat_participant);

-- ChatView; null for who is not in the chat. Who only looks at a STREAM has no membership. Without a user: the shared view of a
-- chat that has just been made, in which all members stand alike.
CREATE OR REPLACE FUNCTION chat.chat_view(p_chat_id uuid, p_user_id text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' AS $$
DECLARE
  v record;
  last_message chat.chat_message;
  members json;
  member_ids text[];
BEGIN
  SELECT * INTO v FROM chat.viewer(p_chat_id, p_user_id);
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT m.* INTO last_message FROM chat.chat_message m
  WHERE m.chat_id = p_chat_id AND m.seq > v.bound AND NOT chat.is_hidden(p_chat_id, m.seq, p_user_id)
  ORDER BY m.seq DESC LIMIT 1;
  SELECT coalesce(json_agg(chat.participant_json(p)), '[]'::json), array_agg(p.user_id) INTO members, member_ids
  FROM chat.first_participants(p_chat_id, p_user_id, 50) p;
  RETURN json_build_object('chat', chat.chat_json(v.c), 'head', chat.head_json(v.h, v.p), 'membership', CASE WHEN (v.p).state = 'JOINED' THEN chat.membership_json(v.h, v.p) END,
    'lastMessage', CASE WHEN last_message.seq IS NOT NULL THEN chat.message_json_for(last_message, v.blocked) END,
    'participants', members, 'users', chat.users_json(member_ids || last_message.sender_id));
END $$;

-- A page of what a user has: the heads of the chats they are in (by chat id, above p_after), and of these chats the
-- memberships and hidden messages that changed since an inbox revision. blocks and user come on the first page, when they
-- changed; and all invitations, whether or not. {"ahead": true}: the cursor is from another history of the database.
CREATE OR REPLACE FUNCTION chat.sync(p_user_id text, p_since integer, p_after uuid, p_limit integer) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' AS $$
DECLARE
  v_inbox chat.user_inbox;
  v_heads json;
  v_memberships json;
  v_invitations json;
  v_hidden json;
  v_ids uuid[];
BEGIN
  SELECT i.* INTO v_inbox FROM chat.user_inbox i WHERE i.user_id = p_user_id;
  IF p_since > coalesce(v_inbox.inbox_revision, 0) THEN
    RETURN '{"ahead": true}'::json;
  END IF;
  SELECT coalesce(json_agg(chat.head_json(page.h, page.p) ORDER BY (page.p).chat_id), '[]'::json),
    coalesce(json_agg(chat.membership_json(page.h, page.p) ORDER BY (page.p).chat_id) FILTER (WHERE (page.p).inbox_revision > p_since), '[]'::json),
    array_agg((page.p).chat_id ORDER BY (page.p).chat_id)
  INTO v_heads, v_memberships, v_ids FROM (
    SELECT h, p FROM chat.chat_participant p
    JOIN chat.chat_session c ON c.id = p.chat_id
    JOIN chat.chat_head h ON h.chat_id = p.chat_id
    WHERE p.user_id = p_user_id AND p.state = 'JOINED' AND c.deleted_at IS NULL AND c.type <> 'STREAM' AND (p_after IS NULL OR p.chat_id > p_after)
    ORDER BY p.chat_id LIMIT p_limit) page;
  IF p_after IS NULL THEN
    SELECT coalesce(json_agg(chat.membership_json(h, p) ORDER BY p.chat_id), '[]'::json) INTO v_invitations
    FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id JOIN chat.chat_head h ON h.chat_id = p.chat_id
    WHERE p.user_id = p_user_id AND p.state = 'INVITED' AND c.deleted_at IS NULL;
  END IF;
  SELECT coalesce(json_agg(json_build_object('chatId', x.chat_id, 'messageId', x.chat_id || '.' || x.seq) ORDER BY x.chat_id, x.seq), '[]'::json)
  INTO v_hidden FROM chat.message_hidden x
  WHERE x.chat_id = ANY (v_ids) AND x.user_id = p_user_id AND x.inbox_revision > p_since;
  RETURN json_build_object('inboxRevision', coalesce(v_inbox.inbox_revision, 0),
    'blocks', CASE WHEN p_after IS NULL AND (p_since = 0 OR v_inbox.blocks_revision > p_since) THEN to_json(chat.blocked_by(p_user_id)) END,
    'user', CASE WHEN p_after IS NULL AND (p_since = 0 OR v_inbox.user_revision > p_since) THEN (SELECT chat.me_json(u) FROM chat.chat_user u WHERE u.id = p_user_id) END,
    'memberships', v_memberships, 'invitations', v_invitations, 'hidden', v_hidden, 'heads', v_heads,
    'after', CASE WHEN cardinality(v_ids) = p_limit THEN v_ids[p_limit] END);
END $$;

-- What one user's inbox says between two of its revisions: the same as sync, for the frame after a change.
CREATE OR REPLACE FUNCTION chat.inbox_since(p_user_id text, p_since integer) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' AS $$
DECLARE
  v_inbox chat.user_inbox;
BEGIN
  SELECT i.* INTO STRICT v_inbox FROM chat.user_inbox i WHERE i.user_id = p_user_id;
  RETURN json_build_object('previousInboxRevision', p_since, 'inboxRevision', v_inbox.inbox_revision,
    'memberships', (
      SELECT coalesce(json_agg(chat.membership_json(h, p) ORDER BY p.inbox_revision), '[]'::json)
      FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id JOIN chat.chat_head h ON h.chat_id = p.chat_id
      WHERE p.user_id = p_user_id AND p.inbox_revision > p_since AND p.state IN ('JOINED', 'INVITED') AND c.deleted_at IS NULL AND c.type <> 'STREAM'),
    'hidden', (
      SELECT coalesce(json_agg(json_build_object('chatId', x.chat_id, 'messageId', x.chat_id || '.' || x.seq) ORDER BY x.inbox_revision), '[]'::json)
      FROM chat.message_hidden x JOIN chat.chat_participant p ON p.chat_id = x.chat_id AND p.user_id = x.user_id
      WHERE x.user_id = p_user_id AND x.inbox_revision > p_since),
    'blocks', CASE WHEN v_inbox.blocks_revision > p_since THEN to_json(chat.blocked_by(p_user_id)) END,
    'user', CASE WHEN v_inbox.user_revision > p_since THEN (SELECT chat.me_json(u) FROM chat.chat_user u WHERE u.id = p_user_id) END,
    'removed', (
      SELECT coalesce(json_agg(p.chat_id ORDER BY p.inbox_revision), '[]'::json) FROM chat.chat_participant p
      WHERE p.user_id = p_user_id AND p.inbox_revision > p_since AND p.state NOT IN ('JOINED', 'INVITED')));
END $$;

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
DROP FUNCTION chat.send_messages(jsonb, boolean, boolean);
CREATE FUNCTION chat.send_messages(p_items jsonb, p_wait boolean DEFAULT true, p_notify boolean DEFAULT true)
RETURNS TABLE (idx integer, status text, code text, message_id text, chat_id uuid, seq integer, revision integer, previous_revision integer,
               created_at timestamptz, retry_after_ms integer, watermark json, participant json, thread_root json, message json)
LANGUAGE plpgsql VOLATILE
SET search_path = '' SET lock_timeout = '5s'
SET plan_cache_mode = force_generic_plan SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  v_locked uuid[];
  v_now timestamptz;
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

  RETURN QUERY
  WITH item AS MATERIALIZED (
    SELECT e.ordinality::integer AS idx, r.chat_id, r.sender_id, coalesce(r.type, 'TEXT')::chat.message_type AS type, r.content,
      coalesce(r.metadata, '{}'::jsonb) AS metadata, r.system, r.reply_to_seq, r.thread_root_seq, r.mentions, r.forwarded_from, r.client_message_id, r.request_hash,
      r.search_keys, r.chat_id = ANY (v_locked) AS locked,
      -- The same key earlier in this batch: it shares that item's answer.
      first_value(e.ordinality::integer) OVER same_key AS first_idx,
      first_value(r.request_hash) OVER same_key AS first_hash
    FROM jsonb_array_elements(p_items) WITH ORDINALITY AS e (item, ordinality)
    CROSS JOIN LATERAL (SELECT (e.item ->> 'chatId')::uuid AS chat_id, e.item ->> 'senderId' AS sender_id, e.item ->> 'type' AS type,
      e.item ->> 'content' AS content, e.item -> 'metadata' AS metadata, e.item -> 'system' AS system,
      (e.item ->> 'replyToSeq')::integer AS reply_to_seq, (e.item ->> 'threadRootSeq')::integer AS thread_root_seq, e.item -> 'mentions' AS mentions,
      e.item -> 'forwardedFrom' AS forwarded_from, e.item ->> 'clientMessageId' AS client_message_id, e.item ->> 'requestHash' AS request_hash,
      e.item ->> 'searchKeys' AS search_keys) r
    WINDOW same_key AS (PARTITION BY r.chat_id, coalesce(r.sender_id, ''), r.client_message_id ORDER BY e.ordinality)
  ),
  judged AS MATERIALIZED (
    SELECT i.*, h.last_seq, h.last_revision, h.last_ordinal, h.last_message_at, coalesce(p.sent_count, 0) AS sent_count, p.read_seq, p.label,
      coalesce(u.settings @> '{"privateReading": true}', false) AS is_private,
      u.settings @> '{"privateReading": true}' OR p.public_read_seq IS NOT NULL OR EXISTS (SELECT FROM chat.user_block b WHERE b.user_id = i.sender_id) AS is_veiled,
      thread.seq AS thread_seq, i.sender_id IS NOT NULL AND p.state IS DISTINCT FROM 'JOINED' AS is_new,
      earlier.message AS earlier_message, earlier.seq AS earlier_seq, earlier.revision AS earlier_revision, earlier.created_at AS earlier_created_at,
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
          WHEN i.sender_id <> c.requested_by_id OR i.forwarded_from IS NOT NULL THEN 'REQUEST_PENDING'
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
      SELECT m.seq, m.revision, m.request_hash, m.created_at, chat.message_json(m) AS message FROM chat.chat_message m
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
  paced AS MATERIALIZED (
    SELECT j.*, j.verdict IS NULL AND j.idx = j.first_idx AND coalesce(row_number() OVER (
      PARTITION BY j.chat_id, j.sender_id ORDER BY j.verdict IS NOT NULL OR j.idx <> j.first_idx, j.idx)
        <= least(CASE WHEN j.slow_mode_seconds IS NOT NULL THEN 1 END, j.left_to_say), true) AS accepted
    FROM judged j
  ),
  accepted AS MATERIALIZED (
    SELECT a.*, row_number() OVER (PARTITION BY a.chat_id ORDER BY a.idx) AS chat_rank, row_number() OVER sender_order AS sender_rank, a.is_new AND row_number() OVER sender_order = 1 AS joins,
      a.thread_seq IS NOT NULL AND row_number() OVER (PARTITION BY a.chat_id, a.thread_seq ORDER BY a.idx DESC) = 1 AS ends_thread
    FROM paced a WHERE a.accepted
    WINDOW sender_order AS (PARTITION BY a.chat_id, a.sender_id ORDER BY a.idx)
  ),
  numbered AS MATERIALIZED (
    SELECT a.*, (a.last_seq + a.chat_rank)::integer AS seq,
      (a.last_revision + sum(1 + a.joins::integer + a.ends_thread::integer) OVER chat_order)::integer AS revision,
      (a.last_ordinal + count(*) FILTER (WHERE a.type <> 'SYSTEM') OVER chat_order)::integer AS ordinal,
      CASE WHEN a.type = 'SYSTEM' THEN 0 ELSE (a.sent_count + count(*) FILTER (WHERE a.type <> 'SYSTEM') OVER sender_order)::integer END AS sender_ordinal,
      -- Who has just come has read what was there.
      CASE WHEN a.is_new THEN (a.last_seq + first_value(a.chat_rank) OVER sender_order - 1)::integer ELSE a.read_seq END AS stood_at,
      CASE WHEN a.mentions IS NOT NULL THEN chat.mentioned(a.chat_id, a.mentions) END AS mentioned,
      greatest(v_now, a.last_message_at) AS created_at
    FROM accepted a
    WINDOW chat_order AS (PARTITION BY a.chat_id ORDER BY a.idx), sender_order AS (PARTITION BY a.chat_id, a.sender_id ORDER BY a.idx)
  ),
  inserted AS (
    INSERT INTO chat.chat_message AS m (chat_id, seq, revision, ordinal, sender_ordinal, sender_id, sender_label, type, content, metadata, system,
      reply_to_seq, thread_root_seq, mentions, forwarded_from, client_message_id, request_hash, created_at)
    SELECT n.chat_id, n.seq, n.revision, n.ordinal, n.sender_ordinal, n.sender_id, n.label, n.type, n.content, n.metadata, n.system,
      n.reply_to_seq, n.thread_seq, n.mentioned, n.forwarded_from, n.client_message_id, n.request_hash, n.created_at
    FROM numbered n ORDER BY n.chat_id, n.seq
    RETURNING m.chat_id, m.seq, m.created_at, chat.message_json(m) AS message
  ),
  searchable AS (
    INSERT INTO chat.message_search (chat_id, seq, revision, keys)
    SELECT n.chat_id, n.seq, n.revision, n.search_keys FROM numbered n WHERE chat.is_searchable(n.type, n.content) ORDER BY n.chat_id, n.seq
  ),
  mentions AS (
    INSERT INTO chat.mention (chat_id, seq, n, user_id)
    SELECT n.chat_id, n.seq, row_number() OVER (PARTITION BY n.chat_id, n.seq), m.user_id
    FROM numbered n CROSS JOIN LATERAL (
      SELECT e.user_id FROM jsonb_array_elements_text(n.mentioned -> 'userIds') AS e (user_id) UNION ALL SELECT NULL WHERE (n.mentioned ->> 'all')::boolean) m
    WHERE n.mentioned IS NOT NULL
  ),
  roots AS (
    UPDATE chat.chat_message m SET reply_count = m.reply_count + g.replies, last_reply_seq = g.last_reply_seq, revision = g.revision
    FROM (SELECT n.chat_id, n.thread_seq, count(*)::integer AS replies, max(n.seq) AS last_reply_seq, max(n.revision) FILTER (WHERE n.ends_thread) - 1 AS revision
          FROM numbered n WHERE n.thread_seq IS NOT NULL GROUP BY n.chat_id, n.thread_seq) g
    WHERE m.chat_id = g.chat_id AND m.seq = g.thread_seq
    RETURNING m.chat_id, m.seq, chat.message_json(m) AS message
  ),
  heads AS (
    UPDATE chat.chat_head h SET last_seq = g.last_seq, last_revision = g.last_revision, last_ordinal = g.last_ordinal,
      last_ordinal_seq = coalesce(g.last_ordinal_seq, h.last_ordinal_seq), last_message_at = g.last_message_at,
      member_count = h.member_count + g.joined
    FROM (SELECT n.chat_id, count(*) FILTER (WHERE n.joins)::integer AS joined, max(n.seq) AS last_seq, max(n.revision) AS last_revision, max(n.ordinal) AS last_ordinal,
            max(n.seq) FILTER (WHERE n.type <> 'SYSTEM') AS last_ordinal_seq, max(n.created_at) AS last_message_at
          FROM numbered n GROUP BY n.chat_id) g
    WHERE h.chat_id = g.chat_id
  ),
  -- A sender who had read everything before their message has read that, too. seq - rank never falls in a sender's run,
  -- so the messages that continue the watermark are its beginning.
  sender AS MATERIALIZED (
    SELECT n.chat_id, n.sender_id, max(n.sender_ordinal) AS sender_ordinal, min(n.stood_at) + count(*) FILTER (WHERE n.seq = n.stood_at + n.sender_rank)::integer AS read_seq,
      bool_or(n.is_private) AS is_private, max(n.revision - 1 - n.ends_thread::integer) FILTER (WHERE n.joins) AS join_revision
    FROM numbered n WHERE n.sender_id IS NOT NULL GROUP BY n.chat_id, n.sender_id
  ),
  senders AS (
    UPDATE chat.chat_participant p SET sent_count = g.sender_ordinal, read_seq = g.read_seq, delivered_seq = greatest(p.delivered_seq, g.read_seq),
      public_read_seq = CASE WHEN g.is_private AND g.read_seq > p.read_seq THEN coalesce(p.public_read_seq, p.read_seq) ELSE p.public_read_seq END
    FROM sender g WHERE g.join_revision IS NULL AND p.chat_id = g.chat_id AND p.user_id = g.sender_id
    RETURNING p.chat_id, p.user_id, p.delivered_seq, coalesce(p.public_read_seq, p.read_seq) AS public_read_seq
  ),
  joined AS (
    INSERT INTO chat.chat_participant AS p (chat_id, user_id, joined_at, join_revision, revision, inbox_revision, delivered_seq, read_seq, sent_count)
    SELECT g.chat_id, g.sender_id, v_now, g.join_revision, g.join_revision, 1, g.read_seq, g.read_seq, g.sender_ordinal FROM sender g WHERE g.join_revision IS NOT NULL
    ON CONFLICT (chat_id, user_id) DO UPDATE SET state = 'JOINED', role = 'MEMBER', joined_at = excluded.joined_at, join_revision = excluded.join_revision, revision = excluded.revision,
      delivered_seq = excluded.delivered_seq, read_seq = excluded.read_seq, public_read_seq = NULL, sent_count = excluded.sent_count
    RETURNING p.chat_id, p.user_id, p.delivered_seq, chat.participant_json(p) AS participant
  ),
  notified AS MATERIALIZED (
    SELECT pg_notify('parley', json_build_object('chatId', n.chat_id, 'revision', max(n.revision))::text) FROM numbered n WHERE p_notify GROUP BY n.chat_id
  ),
  answered AS (
    SELECT a.idx, a.first_idx, a.first_hash = a.request_hash AS same_request, a.chat_id, a.accepted, a.verdict, a.slow_mode_seconds, a.left_to_say, a.retry_after_ms,
      coalesce(n.seq, a.earlier_seq) AS seq, coalesce(n.revision, a.earlier_revision) AS revision,
      coalesce(i.created_at, a.earlier_created_at) AS created_at, coalesce(i.message, a.earlier_message) AS message,
      coalesce(n.joins, false)::integer + coalesce(n.ends_thread, false)::integer AS others,
      CASE WHEN n.joins THEN j.participant END AS participant, CASE WHEN n.ends_thread THEN r.message END AS thread_root,
      CASE WHEN n.seq = n.stood_at + n.sender_rank THEN
        CASE WHEN n.is_veiled THEN json_build_object('userId', n.sender_id, 'deliveredSeq', greatest(n.seq, s.delivered_seq), 'readSeq', n.seq,
          'publicReadSeq', coalesce(s.public_read_seq, n.seq), 'hiddenFrom', chat.blocked_by(n.sender_id))
        ELSE json_build_object('userId', n.sender_id, 'deliveredSeq', greatest(n.seq, s.delivered_seq), 'readSeq', n.seq) END
      END AS watermark
    FROM paced a
    LEFT JOIN numbered n ON n.idx = a.idx
    LEFT JOIN inserted i ON i.chat_id = n.chat_id AND i.seq = n.seq
    LEFT JOIN senders s ON s.chat_id = n.chat_id AND s.user_id = n.sender_id
    LEFT JOIN joined j ON j.chat_id = n.chat_id AND j.user_id = n.sender_id
    LEFT JOIN roots r ON r.chat_id = n.chat_id AND r.seq = n.thread_seq
  ),
  settled AS (
    SELECT a.idx, f.chat_id, f.seq, f.revision, f.created_at, f.message, a.watermark, a.participant, a.thread_root, a.others, a.slow_mode_seconds, a.retry_after_ms,
      CASE
        WHEN a.accepted THEN 'created'
        WHEN a.idx <> f.idx AND (f.accepted OR f.verdict = 'DUPLICATE') THEN CASE WHEN a.same_request THEN 'duplicate' ELSE 'MESSAGE_ID_CONFLICT' END
        WHEN f.verdict = 'DUPLICATE' THEN 'duplicate'
        WHEN f.verdict = 'BUSY' THEN 'busy'
        ELSE coalesce(f.verdict, CASE WHEN f.left_to_say IS NULL THEN 'SLOW_MODE' ELSE 'REQUEST_LIMIT' END)
      END AS outcome
    FROM answered a JOIN answered f ON f.idx = a.first_idx
  )
  SELECT s.idx,
    CASE WHEN s.outcome IN ('created', 'duplicate', 'busy') THEN s.outcome ELSE 'rejected' END,
    CASE WHEN s.outcome = 'busy' THEN 'BUSY' WHEN s.outcome NOT IN ('created', 'duplicate') THEN s.outcome END,
    CASE WHEN s.outcome IN ('created', 'duplicate') THEN s.chat_id || '.' || s.seq END,
    s.chat_id,
    CASE WHEN s.outcome IN ('created', 'duplicate') THEN s.seq END,
    CASE WHEN s.outcome IN ('created', 'duplicate') THEN s.revision END,
    CASE WHEN s.outcome = 'created' THEN s.revision - 1 - s.others END,
    CASE WHEN s.outcome IN ('created', 'duplicate') THEN s.created_at END,
    CASE WHEN s.outcome IN ('SLOW_MODE', 'SILENCED') THEN coalesce(s.retry_after_ms, s.slow_mode_seconds * 1000) END,
    s.watermark,
    s.participant,
    s.thread_root,
    CASE WHEN s.outcome IN ('created', 'duplicate') THEN s.message END
  FROM settled s CROSS JOIN (SELECT count(*) FROM notified) AS woken -- (a LEFT JOIN would be planned away, and with it the notice)
  ORDER BY s.idx;
END $$;

-- Retention, as much as a transaction takes: of the oldest p_limit messages those that are older than the chat keeps them,
-- with all that hangs on them, child rows first. Whoever calls it holds the head's lock, gives the chat its next revision
-- and tells of it. Null: there is nothing to do. Else the oldest seq that is left (or the next, where none is).
CREATE OR REPLACE FUNCTION chat.trim_history(p_chat_id uuid, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = '' SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_from integer;
  v_to integer;
BEGIN
  SELECT h.min_seq, oldest.kept_from INTO v_from, v_to
  FROM chat.chat_head h JOIN chat.chat_session c ON c.id = h.chat_id
  CROSS JOIN LATERAL (
    SELECT coalesce(min(m.seq) FILTER (WHERE m.created_at >= clock_timestamp() - make_interval(days => c.retention_days)), max(m.seq) + 1) AS kept_from
    FROM (SELECT o.seq, o.created_at FROM chat.chat_message o WHERE o.chat_id = h.chat_id AND o.seq >= h.min_seq ORDER BY o.seq LIMIT p_limit) m) oldest
  WHERE h.chat_id = p_chat_id AND c.retention_days IS NOT NULL AND c.deleted_at IS NULL;
  IF v_to IS NULL OR v_to = v_from THEN
    RETURN NULL;
  END IF;
  PERFORM chat.delete_messages(p_chat_id, v_from, v_to);
  -- What was read and got wholly below: by person, so that what lies above is not read through.
  WITH RECURSIVE person AS (
    (SELECT r.user_id FROM chat.message_read r WHERE r.chat_id = p_chat_id ORDER BY r.user_id LIMIT 1)
    UNION ALL
    SELECT next.user_id FROM person CROSS JOIN LATERAL (
      SELECT r.user_id FROM chat.message_read r WHERE r.chat_id = p_chat_id AND r.user_id > person.user_id ORDER BY r.user_id LIMIT 1) next)
  DELETE FROM chat.message_read r USING person WHERE r.chat_id = p_chat_id AND r.user_id = person.user_id AND r.to_seq < v_to;
  WITH RECURSIVE person AS (
    (SELECT d.user_id FROM chat.message_delivery d WHERE d.chat_id = p_chat_id ORDER BY d.user_id LIMIT 1)
    UNION ALL
    SELECT next.user_id FROM person CROSS JOIN LATERAL (
      SELECT d.user_id FROM chat.message_delivery d WHERE d.chat_id = p_chat_id AND d.user_id > person.user_id ORDER BY d.user_id LIMIT 1) next)
  DELETE FROM chat.message_delivery d USING person WHERE d.chat_id = p_chat_id AND d.user_id = person.user_id AND d.to_seq < v_to;
  RETURN v_to;
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
  -- A block's filter goes with the last of its messages.
  DELETE FROM chat.search_filter f WHERE f.chat_id = p_chat_id AND f.number < (p_to - 1) >> CASE f.level WHEN 0 THEN 7 ELSE 12 END;
  DELETE FROM chat.chat_message m WHERE m.chat_id = p_chat_id AND m.seq >= p_from AND m.seq < p_to;
  UPDATE chat.chat_head h SET min_seq = p_to WHERE h.chat_id = p_chat_id;
END $$;

-- Removes rows of a chat that has been deleted for everyone, as many as a transaction takes: messages with all that hangs on
-- them, then what people have read and got, then people, then the chat. It takes the locks that a send takes, in the same order.
-- True: there is more to do.
CREATE OR REPLACE FUNCTION chat.delete_chat_rows(p_chat_id uuid, p_limit integer DEFAULT 1000) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = '' SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_from integer;
  v_to integer;
BEGIN
  PERFORM FROM chat.chat_head h WHERE h.chat_id = p_chat_id FOR UPDATE;
  PERFORM FROM chat.chat_session c WHERE c.id = p_chat_id AND c.deleted_at IS NOT NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;

  SELECT min(m.seq), max(m.seq) + 1 INTO v_from, v_to
  FROM (SELECT o.seq FROM chat.chat_message o WHERE o.chat_id = p_chat_id ORDER BY o.seq LIMIT p_limit) m;
  IF v_to IS NOT NULL THEN
    PERFORM chat.delete_messages(p_chat_id, v_from, v_to);
    RETURN true;
  END IF;

  DELETE FROM chat.message_read r USING (
    SELECT o.user_id, o.to_seq FROM chat.message_read o WHERE o.chat_id = p_chat_id ORDER BY o.user_id, o.to_seq LIMIT p_limit) few
  WHERE r.chat_id = p_chat_id AND r.user_id = few.user_id AND r.to_seq = few.to_seq;
  IF FOUND THEN
    RETURN true;
  END IF;

  DELETE FROM chat.message_delivery d USING (
    SELECT o.user_id, o.to_seq FROM chat.message_delivery o WHERE o.chat_id = p_chat_id ORDER BY o.user_id, o.to_seq LIMIT p_limit) few
  WHERE d.chat_id = p_chat_id AND d.user_id = few.user_id AND d.to_seq = few.to_seq;
  IF FOUND THEN
    RETURN true;
  END IF;

  DELETE FROM chat.chat_participant p USING (
    SELECT o.user_id FROM chat.chat_participant o WHERE o.chat_id = p_chat_id ORDER BY o.user_id LIMIT p_limit FOR UPDATE) few
  WHERE p.chat_id = p_chat_id AND p.user_id = few.user_id;
  IF FOUND THEN
    RETURN true;
  END IF;

  DELETE FROM chat.chat_head h WHERE h.chat_id = p_chat_id;
  DELETE FROM chat.chat_session c WHERE c.id = p_chat_id;
  RETURN false;
END $$;

-- For a DBA: CALL chat.delete_chat('…'), outside of a transaction, deletes a chat for everyone and removes its rows. It commits
-- as it goes (therefore it can have no settings of its own), and can be called again where it was cut off.
CREATE OR REPLACE PROCEDURE chat.delete_chat(p_chat_id uuid)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM chat.chat_head h WHERE h.chat_id = p_chat_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'There is no chat %', p_chat_id USING ERRCODE = 'no_data_found';
  END IF;
  IF EXISTS (SELECT FROM chat.chat_session c WHERE c.id = p_chat_id AND c.deleted_at IS NULL) THEN
    UPDATE chat.chat_head SET last_revision = last_revision + 1 WHERE chat_id = p_chat_id;
    UPDATE chat.chat_session c SET deleted_at = clock_timestamp(), client_chat_id = NULL, external_ref = NULL, revision = h.last_revision
    FROM chat.chat_head h WHERE c.id = p_chat_id AND h.chat_id = p_chat_id;
  END IF;
  COMMIT;
  WHILE chat.delete_chat_rows(p_chat_id) LOOP
    COMMIT;
  END LOOP;
  COMMIT;
END $$;
