-- columns: chat_id uuid, user_id text, role text, state text, label text, joined_at timestamptz, silenced_until timestamptz, delivered_seq integer, read_seq integer
SELECT p.chat_id, p.user_id, p.role, p.state, p.label, p.joined_at, p.silenced_until, p.delivered_seq, p.read_seq
FROM chat_v1.participants p JOIN chat_v1.chats c ON c.chat_id = p.chat_id
WHERE c.external_ref = 'order-7' ORDER BY p.user_id
