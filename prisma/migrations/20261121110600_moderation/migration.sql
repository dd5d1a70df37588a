-- CreateEnum
CREATE TYPE "report_status" AS ENUM ('OPEN', 'RESOLVED');

-- CreateEnum
CREATE TYPE "report_resolution" AS ENUM ('DISMISSED', 'MESSAGE_DELETED', 'USER_BANNED');

-- AlterTable
ALTER TABLE "chat_user" ADD COLUMN "ban_reason" TEXT;

-- CreateTable
CREATE TABLE "message_report" (
    "id" UUID NOT NULL,
    "chat_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "sender_id" TEXT NOT NULL,
    "reporter_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "message" JSONB,
    "status" "report_status" NOT NULL DEFAULT 'OPEN',
    "resolution" "report_resolution",
    "note" TEXT,
    "resolved_by_id" TEXT,
    "resolved_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "message_report_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "message_report_status_created_at_id_idx" ON "message_report"("status", "created_at", "id");

-- CreateIndex
CREATE INDEX "message_report_sender_id_created_at_id_idx" ON "message_report"("sender_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "message_report_chat_id_seq_reporter_id_key" ON "message_report"("chat_id", "seq", "reporter_id");

-- AddForeignKey
ALTER TABLE "message_report" ADD CONSTRAINT "message_report_sender_id_fkey" FOREIGN KEY ("sender_id") REFERENCES "chat_user"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_report" ADD CONSTRAINT "message_report_reporter_id_fkey" FOREIGN KEY ("reporter_id") REFERENCES "chat_user"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE chat.message_report
  ADD CONSTRAINT message_report_reason_check CHECK (char_length(reason) BETWEEN 1 AND 1000),
  ADD CONSTRAINT message_report_note_check CHECK (char_length(note) BETWEEN 1 AND 1000),
  ADD CONSTRAINT message_report_resolved_check CHECK ((status = 'RESOLVED') = (resolution IS NOT NULL) AND (resolution IS NULL) = (resolved_at IS NULL));

ALTER TABLE chat.chat_user ADD CONSTRAINT chat_user_ban_reason_check CHECK (char_length(ban_reason) BETWEEN 1 AND 1000);

-- The jobs go through the chats that concern them, in the order of their ids.
CREATE INDEX chat_session_retention_idx ON chat.chat_session (id) WHERE retention_days IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX chat_session_deleted_idx ON chat.chat_session (id) WHERE deleted_at IS NOT NULL;
-- Reports whose copy of the message is still kept although they are resolved.
CREATE INDEX message_report_copied_idx ON chat.message_report (resolved_at) WHERE status = 'RESOLVED' AND message IS NOT NULL;
