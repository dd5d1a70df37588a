-- How a client that was away catches up. Both functions answer from one snapshot: what they say and the cursor that they
-- give agree. What they look for comes with a limit, for which the planner would rather begin to read through all messages
-- (and, where a large chat's lie at the end, would not soon be done).

-- The people whom a page of rows names.
CREATE FUNCTION chat.named_users(p_messages json, p_participants json) RETURNS json
LANGUAGE sql STABLE
RETURN chat.users_json(ARRAY(
  SELECT m ->> 'senderId' FROM json_array_elements(p_messages) AS m
  UNION SELECT p ->> 'userId' FROM json_array_elements(p_participants) AS p));

-- A chat from the beginning: its newest page, and all of its people where they are few.
CREATE FUNCTION chat.changes_reset(v record, p_user_id text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  v_chat_id uuid := (v.h).chat_id;
  v_messages json;
  v_participants json;
  v_replied integer[];
  v_first integer;
BEGIN
  SELECT coalesce(json_agg(chat.message_json_for(page.m, v.blocked) ORDER BY (page.m).seq), '[]'::json), array_agg((page.m).reply_to_seq), min((page.m).seq)
  INTO v_messages, v_replied, v_first FROM (
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
    'related', chat.related_json(v_chat_id, v_replied, p_user_id, v.bound, v.blocked),
    'users', chat.named_users(v_messages, v_participants));
END $$;

-- The rows of a chat that have changed since a revision, as the user may see them: at most p_limit rows and about 256 KiB.
-- Null: not in the chat. {"ahead": true}: the cursor is from another history of the database. A reset when there is more
-- than a client would want to replay, or when its cursor is from before it joined (what it may see has changed).
CREATE FUNCTION chat.changes(p_chat_id uuid, p_user_id text, p_since integer, p_limit integer) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  v record;
  v_chat json;
  v_messages json;
  v_participants json;
  v_replied integer[];
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
    (SELECT m.revision, 'message' AS kind, chat.message_json_for(m, v.blocked) AS row, m.reply_to_seq FROM chat.chat_message m
     WHERE m.chat_id = p_chat_id AND m.revision > p_since AND m.seq > v.bound AND NOT chat.is_hidden(p_chat_id, m.seq, p_user_id)
     ORDER BY m.revision LIMIT p_limit + 1)
    UNION ALL
    (SELECT p.revision, 'participant', chat.participant_json(p), NULL FROM chat.chat_participant p
     WHERE p.chat_id = p_chat_id AND p.revision > p_since ORDER BY p.revision LIMIT p_limit + 1)
    UNION ALL
    SELECT (v.c).revision, 'chat', chat.chat_json(v.c), NULL WHERE (v.c).revision > p_since
  ), sized AS (
    SELECT r.*, row_number() OVER by_revision AS n, sum(length(r.row::text)) OVER by_revision AS size
    FROM row_json r WINDOW by_revision AS (ORDER BY r.revision)
  ), kept AS (
    SELECT * FROM sized WHERE n <= p_limit AND (n = 1 OR size <= 262144)
  )
  SELECT (SELECT k.row FROM kept k WHERE k.kind = 'chat'),
    coalesce(json_agg(k.row ORDER BY k.revision) FILTER (WHERE k.kind = 'message'), '[]'::json),
    coalesce(json_agg(k.row ORDER BY k.revision) FILTER (WHERE k.kind = 'participant'), '[]'::json),
    array_agg(k.reply_to_seq), max(k.revision), (SELECT count(*) FROM sized) > count(*)
  INTO v_chat, v_messages, v_participants, v_replied, v_last, v_more FROM kept k;

  RETURN json_build_object('chatId', p_chat_id, 'since', p_since, 'upTo', CASE WHEN v_more THEN v_last ELSE (v.h).last_revision END,
    'hasMore', v_more, 'head', chat.head_json(v.h, v.p), 'chat', v_chat, 'participants', v_participants, 'messages', v_messages,
    'watermarks', chat.watermarks_json(v.h, p_user_id),
    'related', chat.related_json(p_chat_id, v_replied, p_user_id, v.bound, v.blocked),
    'users', chat.named_users(v_messages, v_participants));
END $$;

-- A page of what a user has: the heads of the chats they are in (by chat id, above p_after), and of these chats the
-- memberships and hidden messages that changed since an inbox revision. blocks and user come on the first page, when they
-- changed. {"ahead": true}: the cursor is from another history of the database.
CREATE FUNCTION chat.sync(p_user_id text, p_since integer, p_after uuid, p_limit integer) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' AS $$
DECLARE
  v_inbox chat.user_inbox;
  v_heads json;
  v_memberships json;
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
    WHERE p.user_id = p_user_id AND p.state = 'JOINED' AND c.deleted_at IS NULL AND (p_after IS NULL OR p.chat_id > p_after)
    ORDER BY p.chat_id LIMIT p_limit) page;
  SELECT coalesce(json_agg(json_build_object('chatId', x.chat_id, 'messageId', x.chat_id || '.' || x.seq) ORDER BY x.chat_id, x.seq), '[]'::json)
  INTO v_hidden FROM chat.message_hidden x
  WHERE x.chat_id = ANY (v_ids) AND x.user_id = p_user_id AND x.inbox_revision > p_since;
  RETURN json_build_object('inboxRevision', coalesce(v_inbox.inbox_revision, 0),
    'blocks', CASE WHEN p_after IS NULL AND (p_since = 0 OR v_inbox.blocks_revision > p_since) THEN to_json(chat.blocked_by(p_user_id)) END,
    'user', CASE WHEN p_after IS NULL AND p_since = 0 THEN (SELECT chat.user_json(u) FROM chat.chat_user u WHERE u.id = p_user_id) END,
    'memberships', v_memberships, 'hidden', v_hidden, 'heads', v_heads,
    'after', CASE WHEN cardinality(v_ids) = p_limit THEN v_ids[p_limit] END);
END $$;

-- What one user's inbox says between two of its revisions: the same as sync, for the frame after a change.
CREATE FUNCTION chat.inbox_since(p_user_id text, p_since integer) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' AS $$
DECLARE
  v_inbox chat.user_inbox;
BEGIN
  SELECT i.* INTO STRICT v_inbox FROM chat.user_inbox i WHERE i.user_id = p_user_id;
  RETURN json_build_object('previousInboxRevision', p_since, 'inboxRevision', v_inbox.inbox_revision,
    'memberships', (
      SELECT coalesce(json_agg(chat.membership_json(h, p) ORDER BY p.inbox_revision), '[]'::json)
      FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id JOIN chat.chat_head h ON h.chat_id = p.chat_id
      WHERE p.user_id = p_user_id AND p.inbox_revision > p_since AND p.state = 'JOINED' AND c.deleted_at IS NULL),
    'hidden', (
      SELECT coalesce(json_agg(json_build_object('chatId', x.chat_id, 'messageId', x.chat_id || '.' || x.seq) ORDER BY x.inbox_revision), '[]'::json)
      FROM chat.message_hidden x JOIN chat.chat_participant p ON p.chat_id = x.chat_id AND p.user_id = x.user_id
      WHERE x.user_id = p_user_id AND x.inbox_revision > p_since),
    'blocks', CASE WHEN v_inbox.blocks_revision > p_since THEN to_json(chat.blocked_by(p_user_id)) END,
    'removed', (
      SELECT coalesce(json_agg(p.chat_id ORDER BY p.inbox_revision), '[]'::json) FROM chat.chat_participant p
      WHERE p.user_id = p_user_id AND p.inbox_revision > p_since AND p.state <> 'JOINED'));
END $$;
