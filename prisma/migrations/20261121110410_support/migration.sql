-- Support chats as agents see them, who need not be in them.

-- The queue, oldest first.
CREATE INDEX chat_session_support_idx ON chat.chat_session (support_status, created_at, id) WHERE support_status IS NOT NULL AND deleted_at IS NULL;

-- A support chat as an agent sees it before taking it: a ChatView without a membership (with it, if they are in it) and, where
-- they are asked for, its newest messages. Null for what is no support chat, and for who has been banned from it. That the
-- user is an agent says their token alone: the caller has looked at it.
CREATE FUNCTION chat.support_view(p_chat_id uuid, p_user_id text, p_messages integer) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  c chat.chat_session;
  h chat.chat_head;
  p chat.chat_participant;
  v_blocked text[] := chat.blocked_by(p_user_id);
  v_bound integer;
  v_is_member boolean;
  v_last json;
  v_last_sender text;
  v_messages json;
  v_replied integer[];
  v_senders text[];
  v_participants json;
  v_participant_ids text[];
BEGIN
  SELECT x.* INTO c FROM chat.chat_session x WHERE x.id = p_chat_id AND x.type = 'SUPPORT' AND x.deleted_at IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT x.* INTO STRICT h FROM chat.chat_head x WHERE x.chat_id = p_chat_id;
  SELECT x.* INTO p FROM chat.chat_participant x WHERE x.chat_id = p_chat_id AND x.user_id = p_user_id;
  IF p.state = 'BANNED' THEN
    RETURN NULL;
  END IF;
  v_is_member := coalesce(p.state = 'JOINED', false);
  IF NOT v_is_member THEN
    p := chat.onlooker(h, p_user_id);
  END IF;
  v_bound := chat.bound(h, p);

  SELECT chat.message_json_for(m, v_blocked), m.sender_id INTO v_last, v_last_sender FROM chat.chat_message m
  WHERE m.chat_id = p_chat_id AND m.seq > v_bound AND NOT chat.is_hidden(p_chat_id, m.seq, p_user_id) ORDER BY m.seq DESC LIMIT 1;
  SELECT coalesce(json_agg(chat.message_json_for(page.m, v_blocked) ORDER BY (page.m).seq), '[]'::json), array_agg((page.m).reply_to_seq), array_agg((page.m).sender_id)
  INTO v_messages, v_replied, v_senders FROM (
    SELECT m FROM chat.chat_message m
    WHERE m.chat_id = p_chat_id AND m.seq > v_bound AND NOT chat.is_hidden(p_chat_id, m.seq, p_user_id) ORDER BY m.seq DESC LIMIT p_messages) page;
  SELECT coalesce(json_agg(chat.participant_json(x)), '[]'::json), array_agg(x.user_id) INTO v_participants, v_participant_ids
  FROM chat.first_participants(p_chat_id, p_user_id, 50) x;

  RETURN json_build_object('chat', chat.chat_json(c), 'head', chat.head_json(h, p), 'membership', CASE WHEN v_is_member THEN chat.membership_json(h, p) END,
    'lastMessage', v_last, 'participants', v_participants, 'users', chat.users_json(v_participant_ids || v_senders || v_last_sender),
    'messages', v_messages, 'related', chat.related_json(p_chat_id, v_replied, p_user_id, v_bound, v_blocked));
END $$;
