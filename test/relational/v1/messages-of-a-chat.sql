-- columns: message_id text, chat_id uuid, seq integer, sender_id text, sender_label text, type text, content text, metadata jsonb, reply_to_id text, thread_root_id text, client_message_id text, created_at timestamptz, edited_at timestamptz, deleted_at timestamptz
SELECT m.message_id, m.chat_id, m.seq, m.sender_id, m.sender_label, m.type, m.content, m.metadata, m.reply_to_id, m.thread_root_id, m.client_message_id, m.created_at, m.edited_at, m.deleted_at
FROM chat_v1.messages m JOIN chat_v1.chats c ON c.chat_id = m.chat_id
WHERE c.external_ref = 'order-7' ORDER BY m.seq
