-- AlterTable
ALTER TABLE "user_inbox" ADD COLUMN     "user_revision" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE chat.user_inbox ADD CONSTRAINT user_inbox_user_revision_check CHECK (user_revision BETWEEN 0 AND inbox_revision);
ALTER TABLE chat.chat_user ADD CONSTRAINT chat_user_settings_check CHECK (jsonb_typeof(settings) = 'object');

-- A user's settings, with what they have not set.
CREATE FUNCTION chat.user_settings(p_settings jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{"requests": "ASK", "groupInvites": "ACCEPT", "privateReading": false, "hideLastSeen": false}'::jsonb || p_settings;

-- A user as they see themselves.
CREATE FUNCTION chat.me_json(u chat.chat_user) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object('id', (u).id, 'displayName', (u).display_name, 'avatarUrl', (u).avatar_url, 'metadata', (u).metadata,
  'settings', chat.user_settings((u).settings));

-- Who follows what a user is like: people who share a DIRECT or another small chat with them, where neither blocks the other.
-- Who has only asked, and has no answer, does not.
CREATE FUNCTION chat.acquaintances(p_user_id text) RETURNS TABLE (user_id text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT DISTINCT theirs.user_id FROM chat.chat_participant mine
  JOIN chat.chat_session c ON c.id = mine.chat_id AND c.type <> 'STREAM' AND c.deleted_at IS NULL AND c.request_status IS DISTINCT FROM 'PENDING'
  JOIN chat.chat_head h ON h.chat_id = mine.chat_id AND h.member_count <= chat.small_chat_members()
  JOIN chat.chat_participant theirs ON theirs.chat_id = mine.chat_id AND theirs.user_id <> mine.user_id AND theirs.state = 'JOINED'
  WHERE mine.user_id = p_user_id AND mine.state = 'JOINED'
    AND NOT EXISTS (SELECT FROM chat.user_block b WHERE (b.user_id, b.blocked_user_id) IN ((p_user_id, theirs.user_id), (theirs.user_id, p_user_id)))
$$;
