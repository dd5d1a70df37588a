-- columns: chat_id uuid, user_id text, unread_count integer, mention_count integer
SELECT u.chat_id, u.user_id, u.unread_count, u.mention_count FROM chat_v1.unread u WHERE u.user_id = 'cat'
