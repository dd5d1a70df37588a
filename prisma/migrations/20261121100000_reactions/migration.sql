-- CreateTable
CREATE TABLE "message_reaction" (
    "chat_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "emoji" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "message_reaction_pkey" PRIMARY KEY ("chat_id","seq","emoji","user_id")
);

-- CreateIndex
CREATE INDEX "message_reaction_chat_id_user_id_idx" ON "message_reaction"("chat_id", "user_id");

-- AddForeignKey
ALTER TABLE "message_reaction" ADD CONSTRAINT "message_reaction_chat_id_seq_fkey" FOREIGN KEY ("chat_id", "seq") REFERENCES "chat_message"("chat_id", "seq") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_reaction" ADD CONSTRAINT "message_reaction_chat_id_user_id_fkey" FOREIGN KEY ("chat_id", "user_id") REFERENCES "chat_participant"("chat_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE chat.message_reaction ADD CONSTRAINT message_reaction_emoji_check CHECK (char_length(emoji) BETWEEN 1 AND 32);

-- The summary that a message carries: the emoji in the order in which they were first used, each with its first ten people.
CREATE FUNCTION chat.reactions_json(p_chat_id uuid, p_seq integer) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
  SELECT jsonb_agg(jsonb_build_object('emoji', e.emoji, 'count', e.count, 'userIds', e.user_ids) ORDER BY e.since, e.emoji)
  FROM (SELECT r.emoji, count(*) AS count, min(r.created_at) AS since, (array_agg(r.user_id ORDER BY r.created_at, r.user_id))[1:10] AS user_ids
        FROM chat.message_reaction r WHERE r.chat_id = p_chat_id AND r.seq = p_seq GROUP BY r.emoji) e);
