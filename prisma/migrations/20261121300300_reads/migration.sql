-- What a client that comes back asks for, read once for all who ask for the same. Replaces chat.changes, chat.changes_reset,
-- chat.chat_view, chat.related_json, chat.watermarks_json (the newest form of each, whole); chat.named_users is gone.
--
-- A SQL function with a sub-select in it is not taken into the statement that calls it: it is a statement of its own for each
-- row. What is asked of every row of a page (is it hidden from the viewer, do the two block each other) therefore stands here in full.

CREATE OR REPLACE FUNCTION chat.related_json(p_chat_id uuid, p_seqs integer[], p_user_id text, p_bound integer, p_blocked text[]) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
  SELECT coalesce(json_object_agg(p_chat_id || '.' || wanted.seq,
    CASE WHEN m.seq IS NULL OR m.deleted_at IS NOT NULL THEN '{"unavailable": true}'::json ELSE chat.message_json_for(m, p_blocked) END), '{}'::json)
  FROM (SELECT DISTINCT seq FROM unnest(p_seqs) AS seq WHERE seq IS NOT NULL) wanted
  LEFT JOIN LATERAL (
    SELECT f.* FROM chat.chat_message f WHERE f.chat_id = p_chat_id AND f.seq >= wanted.seq ORDER BY f.seq LIMIT 1) m
    ON m.seq = wanted.seq AND m.seq > p_bound
      AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = p_chat_id AND x.user_id = p_user_id AND x.seq = wanted.seq));

-- The watermarks of all members of a small chat, but for those who block the viewer or are blocked by them; of a larger one,
-- and of a STREAM, the viewer's own. Who has not answered the viewer's request is told to have read nothing of it.
CREATE OR REPLACE FUNCTION chat.watermarks_json(h chat.chat_head, p_user_id text) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
  SELECT coalesce(json_agg(CASE WHEN p.user_id <> p_user_id AND c.request_status = 'PENDING' AND c.requested_by_id = p_user_id
    THEN json_build_object('userId', p.user_id, 'deliveredSeq', 0, 'readSeq', 0) ELSE chat.watermark_json_for(p, p_user_id) END ORDER BY p.user_id), '[]'::json)
  FROM chat.chat_session c JOIN chat.chat_participant p ON p.chat_id = c.id
  WHERE c.id = (h).chat_id AND p.state = 'JOINED' AND (p.user_id = p_user_id OR (h).member_count <= chat.small_chat_members() AND c.type <> 'STREAM'
    AND NOT EXISTS (SELECT FROM chat.user_block b WHERE b.user_id = p_user_id AND b.blocked_user_id = p.user_id)
    AND NOT EXISTS (SELECT FROM chat.user_block b WHERE b.user_id = p.user_id AND b.blocked_user_id = p_user_id)));

-- ChatView; null for who is not in the chat. Who only looks at a STREAM has no membership. Without a user: the shared view of a
-- chat that has just been made, in which all members stand alike.
CREATE OR REPLACE FUNCTION chat.chat_view(p_chat_id uuid, p_user_id text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan = off AS $$
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
  WHERE m.chat_id = p_chat_id AND m.seq > v.bound
    AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = p_chat_id AND x.user_id = p_user_id AND x.seq = m.seq)
  ORDER BY m.seq DESC LIMIT 1;
  SELECT coalesce(json_agg(chat.participant_json(p)), '[]'::json), array_agg(p.user_id) INTO members, member_ids
  FROM chat.first_participants(p_chat_id, p_user_id, 50) p;
  RETURN json_build_object('chat', chat.chat_json(v.c), 'head', chat.head_json(v.h, v.p), 'membership', CASE WHEN (v.p).state = 'JOINED' THEN chat.membership_json(v.h, v.p) END,
    'lastMessage', CASE WHEN last_message.seq IS NOT NULL THEN chat.message_json_for(last_message, v.blocked) END,
    'participants', members, 'users', chat.users_json(member_ids || last_message.sender_id));
END $$;

DROP FUNCTION chat.changes(uuid, text, integer, integer);
DROP FUNCTION chat.changes_reset(record, text);
DROP FUNCTION chat.named_users(json, json);

-- A chat from the beginning: its newest page, and all of its people where they are few.
CREATE FUNCTION chat.changes_reset(v record, p_user_id text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  v_chat_id uuid := (v.h).chat_id;
  v_messages json;
  v_participants json;
  v_linked integer[];
  v_first integer;
  v_senders text[];
  v_people text[];
BEGIN
  SELECT coalesce(json_agg(chat.message_json_for(page.m, v.blocked) ORDER BY (page.m).seq), '[]'::json), array_agg((page.m).reply_to_seq) || array_agg((page.m).thread_root_seq),
    min((page.m).seq), array_agg(DISTINCT (page.m).sender_id)
  INTO v_messages, v_linked, v_first, v_senders FROM (
    SELECT m FROM chat.chat_message m
    WHERE m.chat_id = v_chat_id AND m.seq > v.bound
      AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = v_chat_id AND x.user_id = p_user_id AND x.seq = m.seq)
    ORDER BY m.seq DESC LIMIT 50) page;
  SELECT coalesce(json_agg(chat.participant_json(p)), '[]'::json), array_agg(p.user_id) INTO v_participants, v_people
  FROM chat.first_participants(v_chat_id, p_user_id, CASE WHEN (v.h).member_count <= chat.small_chat_members() THEN (v.h).member_count ELSE 50 END) p;
  RETURN json_build_object('chatId', v_chat_id, 'reset', true, 'upTo', (v.h).last_revision,
    'chat', chat.chat_json(v.c), 'participants', v_participants, 'messages', v_messages,
    'hasOlder', EXISTS (
      SELECT FROM chat.chat_message m WHERE m.chat_id = v_chat_id AND m.seq > v.bound AND m.seq < v_first
        AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = v_chat_id AND x.user_id = p_user_id AND x.seq = m.seq)),
    'related', chat.related_json(v_chat_id, v_linked, p_user_id, v.bound, v.blocked),
    'users', chat.users_json(v_senders || v_people));
END $$;

-- The rows of a chat that have changed since a revision, at most p_limit and about 256 KiB, to somebody who sees what lies above
-- p_bound, has hidden what p_user_id has (null: nothing), and blocks p_blocked. lowest is the lowest seq that has a part in it.
CREATE FUNCTION chat.changed_rows(
  c chat.chat_session, h chat.chat_head, p_user_id text, p_bound integer, p_blocked text[], p_since integer, p_limit integer,
  OUT rows json, OUT up_to integer, OUT has_more boolean, OUT lowest integer)
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  v_chat json;
  v_messages json;
  v_participants json;
  v_linked integer[];
  v_people text[];
BEGIN
  WITH row_json AS (
    (SELECT m.revision, 'message' AS kind, chat.message_json_for(m, p_blocked) AS row, m.sender_id AS person, m.seq, m.reply_to_seq, m.thread_root_seq FROM chat.chat_message m
     WHERE m.chat_id = (h).chat_id AND m.revision > p_since AND m.seq > p_bound
       AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = (h).chat_id AND x.user_id = p_user_id AND x.seq = m.seq)
     ORDER BY m.revision LIMIT p_limit + 1)
    UNION ALL
    (SELECT p.revision, 'participant', chat.participant_json(p), p.user_id, NULL, NULL, NULL FROM chat.chat_participant p
     WHERE p.chat_id = (h).chat_id AND p.revision > p_since ORDER BY p.revision LIMIT p_limit + 1)
    UNION ALL
    SELECT (c).revision, 'chat', chat.chat_json(c), NULL, NULL, NULL, NULL WHERE (c).revision > p_since
  ), sized AS (
    SELECT r.*, row_number() OVER by_revision AS n, sum(length(r.row::text)) OVER by_revision AS size
    FROM row_json r WINDOW by_revision AS (ORDER BY r.revision)
  ), kept AS (
    SELECT * FROM sized WHERE n <= p_limit AND (n = 1 OR size <= 262144)
  )
  SELECT (SELECT k.row FROM kept k WHERE k.kind = 'chat'),
    coalesce(json_agg(k.row ORDER BY k.revision) FILTER (WHERE k.kind = 'message'), '[]'::json),
    coalesce(json_agg(k.row ORDER BY k.revision) FILTER (WHERE k.kind = 'participant'), '[]'::json),
    array_agg(k.reply_to_seq) || array_agg(k.thread_root_seq), array_agg(DISTINCT k.person), max(k.revision),
    (SELECT count(*) FROM sized) > count(*), (SELECT least(min(s.seq), min(s.reply_to_seq), min(s.thread_root_seq)) FROM sized s)
  INTO v_chat, v_messages, v_participants, v_linked, v_people, up_to, has_more, lowest FROM kept k;

  up_to := CASE WHEN has_more THEN up_to ELSE (h).last_revision END;
  rows := json_build_object('chatId', (h).chat_id, 'since', p_since, 'upTo', up_to, 'hasMore', has_more,
    'chat', v_chat, 'participants', v_participants, 'messages', v_messages,
    'related', chat.related_json((h).chat_id, v_linked, p_user_id, p_bound, p_blocked), 'users', chat.users_json(v_people));
END $$;

-- What has changed in a chat since a revision, as each of these users may see it: a row for each of them who is in it. rows is
-- theirs alone, or null: then it is that of the row without a user, which is for all who see the same (no bound, block or
-- hidden message stands between them and anything in it). own is what else belongs to the answer. Everything is of one snapshot.
-- ahead: the cursor is from another history of the database. A reset when there is more than a client would want to replay,
-- or when its cursor is from before it joined (what it may see has changed).
CREATE FUNCTION chat.changes(p_chat_id uuid, p_user_ids text[], p_since integer, p_limit integer)
RETURNS TABLE (user_id text, rows json, own json, up_to integer, has_more boolean, ahead boolean)
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  v record;
  v_part record;
  v_shared record;
  v_is_shared boolean := false; -- made already
  v_is_used boolean := false;
  v_is_long boolean := 1000 < (SELECT count(*) FROM (SELECT FROM chat.chat_message m WHERE m.chat_id = p_chat_id AND m.revision > p_since LIMIT 1001) changed);
BEGIN
  FOR v IN
    SELECT u.id, x.*, EXISTS (SELECT FROM chat.message_hidden g WHERE g.chat_id = p_chat_id AND g.user_id = u.id) AS hides
    FROM unnest(p_user_ids) AS u (id) CROSS JOIN LATERAL chat.viewer(p_chat_id, u.id) x
  LOOP
    user_id := v.id;
    ahead := p_since > (v.h).last_revision;
    IF ahead THEN
      rows := NULL; own := NULL; up_to := NULL; has_more := NULL;
      RETURN NEXT;
      CONTINUE;
    END IF;

    own := json_build_object('head', chat.head_json(v.h, v.p), 'watermarks', chat.watermarks_json(v.h, v.id));
    IF p_since < (v.p).join_revision OR p_since < (v.h).floor_revision OR v_is_long THEN
      rows := chat.changes_reset(v, v.id); up_to := (v.h).last_revision; has_more := false;
      RETURN NEXT;
      CONTINUE;
    END IF;

    IF NOT v.hides AND cardinality(v.blocked) = 0 THEN
      IF NOT v_is_shared THEN
        SELECT * INTO v_shared FROM chat.changed_rows(v.c, v.h, NULL, (v.h).min_seq - 1, '{}', p_since, p_limit);
        v_is_shared := true;
      END IF;
      IF v.bound < (v.h).min_seq OR v.bound < v_shared.lowest OR v_shared.lowest IS NULL THEN
        rows := NULL; up_to := v_shared.up_to; has_more := v_shared.has_more;
        v_is_used := true;
        RETURN NEXT;
        CONTINUE;
      END IF;
    END IF;
    SELECT * INTO v_part FROM chat.changed_rows(v.c, v.h, v.id, v.bound, v.blocked, p_since, p_limit);
    rows := v_part.rows; up_to := v_part.up_to; has_more := v_part.has_more;
    RETURN NEXT;
  END LOOP;

  IF v_is_used THEN
    user_id := NULL; rows := v_shared.rows; own := NULL; up_to := v_shared.up_to; has_more := v_shared.has_more; ahead := false;
    RETURN NEXT;
  END IF;
END $$;
