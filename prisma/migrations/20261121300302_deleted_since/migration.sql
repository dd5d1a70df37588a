-- Of the deleted messages from a seq on, how many are from this sender ('': from anybody): the rest of its block one by one,
-- then the rest of the block around that by blocks, and so on. (Each stretch has both its ends in the
-- index, and a sum of its own, by which the planner has to take them one by one: else all blocks of the chat are read.)
CREATE OR REPLACE FUNCTION chat.deleted_since(p_chat_id uuid, p_sender_id text, p_seq integer) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = '' SET enable_seqscan = off AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM chat.deletion_count d WHERE d.chat_id = p_chat_id AND d.sender_id = p_sender_id AND d.level = 3 AND d.block >= chat.block_of(p_seq, 3)) THEN
    RETURN 0;
  END IF;
  RETURN (
    SELECT count(*) FROM chat.chat_message m
    WHERE m.chat_id = p_chat_id AND m.deleted_at IS NOT NULL AND m.sender_id IS NOT NULL AND (p_sender_id = '' OR m.sender_id = p_sender_id)
      AND m.seq >= p_seq AND m.seq < (chat.block_of(p_seq, 0) + 1) << 8
  ) + (
    SELECT coalesce(sum(s.count), 0) FROM generate_series(0, 3) AS l (level)
    CROSS JOIN LATERAL (SELECT sum(d.count) AS count FROM chat.deletion_count d
      WHERE d.chat_id = p_chat_id AND d.sender_id = p_sender_id AND d.level = l.level AND d.block > chat.block_of(p_seq, l.level)
        AND d.block < CASE WHEN l.level = 3 THEN 2147483647 ELSE (chat.block_of(p_seq, l.level + 1) + 1) << 5 END) s
  );
END $$;
