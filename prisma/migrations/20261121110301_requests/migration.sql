-- AlterTable
ALTER TABLE "chat_session" ADD COLUMN     "request_allowance" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "chat_participant" ADD COLUMN     "invited_by_id" TEXT,
ADD COLUMN     "rejected_at" TIMESTAMPTZ(3);

ALTER TABLE chat.chat_participant ADD CONSTRAINT chat_participant_invited_check CHECK (state <> 'INVITED' OR invited_by_id IS NOT NULL);

-- Somebody asks this user, who has not answered: the chat is among their requests, not among their chats.
CREATE FUNCTION chat.is_request_for(c chat.chat_session, p_user_id text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce((c).request_status = 'PENDING' AND (c).requested_by_id <> p_user_id, false);

-- The user has asked to talk in this chat, and has no answer.
CREATE FUNCTION chat.awaits_answer(p_chat_id uuid, p_user_id text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM chat.chat_session c WHERE c.id = p_chat_id AND c.request_status = 'PENDING' AND c.requested_by_id = p_user_id);

-- What becomes of a user's wish to talk to another. Null: no request is needed.
CREATE FUNCTION chat.request_status_for(p_user_id text, p_target_id text) RETURNS chat.request_status
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
  WHEN chat.user_settings((SELECT u.settings FROM chat.chat_user u WHERE u.id = p_target_id)) ->> 'requests' = 'ACCEPT' THEN NULL
  WHEN EXISTS (
    SELECT FROM chat.chat_participant mine
    JOIN chat.chat_participant theirs ON theirs.chat_id = mine.chat_id AND theirs.user_id = p_target_id AND theirs.state = 'JOINED'
    JOIN chat.chat_session c ON c.id = mine.chat_id AND c.type NOT IN ('DIRECT', 'STREAM') AND c.deleted_at IS NULL
    WHERE mine.user_id = p_user_id AND mine.state = 'JOINED') THEN 'AUTO_ACCEPTED'::chat.request_status
  ELSE 'PENDING'::chat.request_status
END;

-- Who has rejected a request, or an invitation, is not asked again for so long.
CREATE FUNCTION chat.may_ask_again_at(p_rejected_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN p_rejected_at + interval '30 days';

-- The ChatView of somebody who is invited: what the chat is and who has invited them, and nothing of what is said in it.
-- Null for others.
CREATE FUNCTION chat.invitation_view(p_chat_id uuid, p_user_id text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' AS $$
DECLARE
  v record;
BEGIN
  SELECT c, p, jsonb_populate_record(h, '{"last_revision": 0, "last_seq": 0, "last_ordinal": 0, "last_ordinal_seq": 0, "min_seq": 1, "last_message_at": null}') AS h INTO v
  FROM chat.chat_participant p
  JOIN chat.chat_session c ON c.id = p.chat_id AND c.deleted_at IS NULL
  JOIN chat.chat_head h ON h.chat_id = p.chat_id
  WHERE p.chat_id = p_chat_id AND p.user_id = p_user_id AND p.state = 'INVITED';
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  RETURN json_build_object('chat', chat.chat_json(v.c), 'head', chat.head_json(v.h, v.p), 'membership', chat.membership_json(v.h, v.p), 'lastMessage', NULL,
    'participants', (
      SELECT json_agg(chat.participant_json(x) ORDER BY x.user_id = p_user_id DESC) FROM chat.chat_participant x
      WHERE x.chat_id = p_chat_id AND (x.user_id = p_user_id OR (x.user_id = (v.p).invited_by_id AND x.state = 'JOINED'))),
    'users', chat.users_json(ARRAY[p_user_id, (v.p).invited_by_id]));
END $$;
