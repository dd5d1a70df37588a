-- AlterTable
ALTER TABLE "chat_participant" ADD COLUMN     "public_read_seq" INTEGER;

-- CreateTable
CREATE TABLE "message_delivery" (
    "chat_id" UUID NOT NULL,
    "user_id" TEXT NOT NULL,
    "from_seq" INTEGER NOT NULL,
    "to_seq" INTEGER NOT NULL,
    "delivered_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "message_delivery_pkey" PRIMARY KEY ("chat_id","user_id","to_seq")
);

-- AddForeignKey
ALTER TABLE "message_delivery" ADD CONSTRAINT "message_delivery_chat_id_user_id_fkey" FOREIGN KEY ("chat_id", "user_id") REFERENCES "chat_participant"("chat_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What was read without telling is above what others are told.
ALTER TABLE chat.chat_participant ADD CONSTRAINT chat_participant_public_read_check CHECK (public_read_seq BETWEEN 0 AND read_seq);
ALTER TABLE chat.message_delivery ADD CONSTRAINT message_delivery_interval_check CHECK (from_seq BETWEEN 1 AND to_seq);

-- Whether either of two people blocks the other: then neither sees what the other gets, reads and does.
CREATE FUNCTION chat.is_blocked_between(p_user_id text, p_other_id text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM chat.user_block b WHERE b.user_id = p_user_id AND b.blocked_user_id = p_other_id)
  OR EXISTS (SELECT FROM chat.user_block b WHERE b.user_id = p_other_id AND b.blocked_user_id = p_user_id);

-- Whether somebody reads without telling.
CREATE FUNCTION chat.reads_privately(p_user_id text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM chat.chat_user u WHERE u.id = p_user_id AND u.settings @> '{"privateReading": true}');

-- A member's watermark as a user may see it: one's own as it is, of others what they tell.
CREATE FUNCTION chat.watermark_json_for(p chat.chat_participant, p_user_id text) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object('userId', (p).user_id, 'deliveredSeq', (p).delivered_seq,
  'readSeq', CASE WHEN (p).user_id = p_user_id THEN (p).read_seq ELSE coalesce((p).public_read_seq, (p).read_seq) END);
