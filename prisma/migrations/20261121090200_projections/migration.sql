-- What goes over the wire, as JSON, made where the rows are: each resource of the contract has one function here, and
-- every path (history, changes, lists, the frames after a commit) uses it. They are STABLE: a reply that calls several
-- of them sees one snapshot.

-- RFC 3339, UTC, milliseconds.
CREATE FUNCTION chat.rfc3339(t timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- What a member may see starts above this seq.
CREATE FUNCTION chat.bound(h chat.chat_head, p chat.chat_participant) RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
RETURN greatest((p).visible_from_seq - 1, (p).cleared_seq, (h).min_seq - 1);

CREATE FUNCTION chat.blocked_by(p_user_id text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN ARRAY(SELECT b.blocked_user_id FROM chat.user_block b WHERE b.user_id = p_user_id);

CREATE FUNCTION chat.message_ref(p_chat_id uuid, p_seq integer) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN p_seq IS NOT NULL THEN json_build_object('messageId', p_chat_id || '.' || p_seq, 'seq', p_seq) END;

-- The shared form of a message: nothing in it depends on who looks.
CREATE FUNCTION chat.message_json(m chat.chat_message) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object(
  'id', (m).chat_id || '.' || (m).seq, 'chatId', (m).chat_id, 'seq', (m).seq, 'revision', (m).revision,
  'senderId', (m).sender_id, 'senderLabel', (m).sender_label, 'type', (m).type,
  'content', (m).content, 'attachments', '[]'::json, 'metadata', (m).metadata, 'system', (m).system,
  'replyTo', chat.message_ref((m).chat_id, (m).reply_to_seq),
  'threadRoot', chat.message_ref((m).chat_id, (m).thread_root_seq),
  'thread', CASE WHEN (m).reply_count > 0 THEN json_build_object('replyCount', (m).reply_count, 'lastReplySeq', (m).last_reply_seq) END,
  'forwardedFrom', (m).forwarded_from,
  'mentions', coalesce((m).mentions, '{"userIds": [], "all": false}'::jsonb),
  'reactions', coalesce((m).reactions, '[]'::jsonb),
  'pinned', CASE WHEN (m).pinned_at IS NOT NULL THEN json_build_object('userId', (m).pinned_by_id, 'at', chat.rfc3339((m).pinned_at)) END,
  'clientMessageId', (m).client_message_id,
  'createdAt', chat.rfc3339((m).created_at), 'editedAt', chat.rfc3339((m).edited_at),
  'deletedAt', chat.rfc3339((m).deleted_at), 'deletedById', (m).deleted_by_id);

-- The redacted form: what a viewer gets of a sender whom they have blocked. `realtime/frames.ts` makes the same of a frame.
CREATE FUNCTION chat.redacted(message json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (message::jsonb || '{"content": null, "attachments": [], "metadata": {}, "mentions": {"userIds": [], "all": false}, "fromBlocked": true}'::jsonb)::json;

CREATE FUNCTION chat.message_json_for(m chat.chat_message, p_blocked text[]) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN (m).sender_id = ANY (p_blocked) THEN chat.redacted(chat.message_json(m)) ELSE chat.message_json(m) END;

CREATE FUNCTION chat.user_json(u chat.chat_user) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object('id', (u).id, 'displayName', (u).display_name, 'avatarUrl', (u).avatar_url);

-- { [id]: User }
CREATE FUNCTION chat.users_json(p_ids text[]) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT coalesce(json_object_agg(u.id, chat.user_json(u)), '{}'::json) FROM chat.chat_user u WHERE u.id = ANY (p_ids));

CREATE FUNCTION chat.participant_json(p chat.chat_participant) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object('chatId', (p).chat_id, 'userId', (p).user_id, 'role', (p).role, 'label', (p).label, 'state', (p).state,
  'silencedUntil', chat.rfc3339((p).silenced_until), 'joinedAt', chat.rfc3339((p).joined_at), 'revision', (p).revision);

CREATE FUNCTION chat.watermark_json(p chat.chat_participant) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object('userId', (p).user_id, 'deliveredSeq', (p).delivered_seq, 'readSeq', (p).read_seq);

-- Receipts go to everybody in chats of up to this many members; beyond that only watermarks are kept.
CREATE FUNCTION chat.small_chat_members() RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 256;

-- The watermarks of all members of a small chat; of a larger one the viewer's own.
CREATE FUNCTION chat.watermarks_json(h chat.chat_head, p_user_id text) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT coalesce(json_agg(chat.watermark_json(p) ORDER BY p.user_id), '[]'::json) FROM chat.chat_participant p
        WHERE p.chat_id = (h).chat_id AND p.state = 'JOINED' AND ((h).member_count <= chat.small_chat_members() OR p.user_id = p_user_id));

-- Archived, until a message comes that is newer than the archiving; a muted chat stays.
CREATE FUNCTION chat.is_archived(h chat.chat_head, p chat.chat_participant) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (p).archived_seq IS NOT NULL AND (coalesce((p).muted_until > now(), false) OR (h).last_ordinal_seq <= (p).archived_seq);

CREATE FUNCTION chat.membership_json(h chat.chat_head, p chat.chat_participant) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object('chatId', (p).chat_id, 'inboxRevision', (p).inbox_revision, 'state', (p).state, 'role', (p).role,
  'notifications', (p).notifications, 'mutedUntil', chat.rfc3339((p).muted_until), 'archived', chat.is_archived(h, p), 'archivedSeq', (p).archived_seq,
  'pinnedAt', chat.rfc3339((p).pinned_at), 'markedUnread', (p).marked_unread, 'visibleFromSeq', (p).visible_from_seq,
  'clearedSeq', (p).cleared_seq, 'joinRevision', (p).join_revision);

CREATE FUNCTION chat.chat_json(c chat.chat_session) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object('id', (c).id, 'type', (c).type, 'name', (c).name, 'avatarUrl', (c).avatar_url, 'description', (c).description,
  'externalRef', (c).external_ref, 'labels', (c).labels, 'metadata', (c).metadata,
  'settings', json_build_object('slowModeSeconds', (c).slow_mode_seconds, 'retentionDays', (c).retention_days,
    'historyForNewMembers', (c).history_for_new_members, 'whoMaySend', (c).who_may_send, 'whoMayInvite', (c).who_may_invite),
  'request', CASE WHEN (c).request_status IS NOT NULL THEN json_build_object('status', (c).request_status,
    'requestedById', (c).requested_by_id, 'answeredAt', chat.rfc3339((c).answered_at)) END,
  'support', CASE WHEN (c).support_status IS NOT NULL THEN json_build_object('status', (c).support_status, 'assigneeId', (c).assignee_id) END,
  'createdById', (c).created_by_id, 'revision', (c).revision, 'createdAt', chat.rfc3339((c).created_at), 'updatedAt', chat.rfc3339((c).updated_at));

-- Messages above the watermark and the bound that are not SYSTEM, not mine, not deleted, not hidden from me, and not from
-- somebody whom I have blocked. Ordinals make all but the deleted and the hidden a difference of index probes, so that
-- the cost does not grow with the history.
CREATE FUNCTION chat.unread_count(h chat.chat_head, p chat.chat_participant) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = '' AS $$
DECLARE
  base integer := greatest(p.read_seq, chat.bound(h, p));
  excluded text[];
  total integer;
  excluded_sent integer;
  gone integer;
BEGIN
  IF base >= h.last_ordinal_seq THEN
    RETURN 0;
  END IF;
  SELECT h.last_ordinal - m.ordinal + CASE WHEN m.type = 'SYSTEM' THEN 0 ELSE 1 END INTO STRICT total
  FROM chat.chat_message m WHERE m.chat_id = h.chat_id AND m.seq = base + 1;

  excluded := chat.blocked_by(p.user_id) || p.user_id;
  SELECT coalesce(sum(s.sent_count - first.sender_ordinal + 1), 0) INTO excluded_sent
  FROM unnest(excluded) AS e (user_id)
  JOIN chat.chat_participant s ON s.chat_id = h.chat_id AND s.user_id = e.user_id
  CROSS JOIN LATERAL (
    SELECT m.sender_ordinal FROM chat.chat_message m
    WHERE m.chat_id = s.chat_id AND m.sender_id = s.user_id AND m.seq > base ORDER BY m.seq LIMIT 1) first;

  SELECT count(*) INTO gone FROM (
    SELECT m.seq FROM chat.chat_message m
    WHERE m.chat_id = h.chat_id AND m.seq > base AND m.deleted_at IS NOT NULL AND m.sender_id <> ALL (excluded)
    UNION
    SELECT x.seq FROM chat.message_hidden x JOIN chat.chat_message m ON m.chat_id = x.chat_id AND m.seq = x.seq
    WHERE x.chat_id = h.chat_id AND x.user_id = p.user_id AND x.seq > base AND m.sender_id <> ALL (excluded)) AS either;

  RETURN total - excluded_sent - gone;
END $$;

CREATE FUNCTION chat.head_json(h chat.chat_head, p chat.chat_participant) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object('chatId', (h).chat_id, 'lastRevision', (h).last_revision, 'lastSeq', (h).last_seq,
  'lastOrdinalSeq', (h).last_ordinal_seq, 'minSeq', (h).min_seq,
  'messageCount', (h).last_ordinal, 'memberCount', (h).member_count, 'readSeq', (p).read_seq, 'deliveredSeq', (p).delivered_seq,
  'unreadCount', chat.unread_count(h, p), 'mentionCount', 0, 'lastMessageAt', chat.rfc3339((h).last_message_at));

-- A member's way into a chat: one row while they are in it, none for strangers, former members and deleted chats.
CREATE FUNCTION chat.viewer(p_chat_id uuid, p_user_id text)
RETURNS TABLE (c chat.chat_session, h chat.chat_head, p chat.chat_participant, bound integer, blocked text[])
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT c, h, p, chat.bound(h, p), chat.blocked_by(p_user_id)
  FROM chat.chat_participant p
  JOIN chat.chat_session c ON c.id = p.chat_id
  JOIN chat.chat_head h ON h.chat_id = p.chat_id
  WHERE p.chat_id = p_chat_id AND p.user_id = p_user_id AND p.state = 'JOINED' AND c.deleted_at IS NULL
$$;

-- The participants that a view of the chat names: the viewer and the staff first, then by joining.
CREATE FUNCTION chat.first_participants(p_chat_id uuid, p_user_id text, p_limit integer)
RETURNS SETOF chat.chat_participant
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT p.* FROM chat.chat_participant p
  WHERE p.chat_id = p_chat_id AND p.state = 'JOINED'
  ORDER BY p.user_id = p_user_id DESC NULLS LAST, p.role, p.join_revision, p.user_id LIMIT p_limit
$$;

CREATE FUNCTION chat.is_hidden(p_chat_id uuid, p_seq integer, p_user_id text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = p_chat_id AND x.user_id = p_user_id AND x.seq = p_seq);

-- ChatView; null for who is not in the chat. Without a user: the shared view of a chat that has just been made, in which
-- all members stand alike.
CREATE FUNCTION chat.chat_view(p_chat_id uuid, p_user_id text) RETURNS json
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
  RETURN json_build_object('chat', chat.chat_json(v.c), 'head', chat.head_json(v.h, v.p), 'membership', chat.membership_json(v.h, v.p),
    'lastMessage', CASE WHEN last_message.seq IS NOT NULL THEN chat.message_json_for(last_message, v.blocked) END,
    'participants', members, 'users', chat.users_json(member_ids || last_message.sender_id));
END $$;

-- What a page of messages needs beside itself: the messages that it quotes, as the viewer may see them, and its people.
CREATE FUNCTION chat.related_json(p_chat_id uuid, p_seqs integer[], p_user_id text, p_bound integer, p_blocked text[]) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
  SELECT coalesce(json_object_agg(p_chat_id || '.' || wanted.seq,
    CASE WHEN m.seq IS NULL OR m.deleted_at IS NOT NULL THEN '{"unavailable": true}'::json ELSE chat.message_json_for(m, p_blocked) END), '{}'::json)
  FROM (SELECT DISTINCT seq FROM unnest(p_seqs) AS seq WHERE seq IS NOT NULL) wanted
  LEFT JOIN chat.chat_message m ON m.chat_id = p_chat_id AND m.seq = wanted.seq AND m.seq > p_bound AND NOT chat.is_hidden(p_chat_id, m.seq, p_user_id));
