-- columns: chat_id uuid, type text, name text, description text, avatar_url text, external_ref text, labels jsonb, metadata jsonb, created_by_id text, support_status text, assignee_id text, message_count integer, member_count integer, last_seq integer, last_message_at timestamptz, created_at timestamptz, updated_at timestamptz
SELECT c.chat_id, c.type, c.name, c.description, c.avatar_url, c.external_ref, c.labels, c.metadata, c.created_by_id, c.support_status, c.assignee_id, c.message_count, c.member_count, c.last_seq, c.last_message_at,
  c.created_at, c.updated_at
FROM chat_v1.chats c JOIN chat_v1.participants p ON p.chat_id = c.chat_id AND p.state = 'JOINED'
WHERE p.user_id = 'ann' ORDER BY c.external_ref
