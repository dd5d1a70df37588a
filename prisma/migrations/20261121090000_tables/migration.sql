-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "chat";

-- CreateEnum
CREATE TYPE "chat_type" AS ENUM ('DIRECT', 'GROUP', 'SUPPORT', 'STREAM');

-- CreateEnum
CREATE TYPE "participant_role" AS ENUM ('OWNER', 'ADMIN', 'MODERATOR', 'MEMBER');

-- CreateEnum
CREATE TYPE "participant_state" AS ENUM ('INVITED', 'JOINED', 'REJECTED', 'LEFT', 'REMOVED', 'BANNED');

-- CreateEnum
CREATE TYPE "notification_level" AS ENUM ('ALL', 'MENTIONS', 'NONE');

-- CreateEnum
CREATE TYPE "history_for_new_members" AS ENUM ('NONE', 'ALL');

-- CreateEnum
CREATE TYPE "message_type" AS ENUM ('TEXT', 'IMAGE', 'VIDEO', 'AUDIO', 'VOICE', 'FILE', 'SYSTEM', 'ENCRYPTED');

-- CreateEnum
CREATE TYPE "request_status" AS ENUM ('PENDING', 'ACCEPTED', 'REJECTED', 'AUTO_ACCEPTED');

-- CreateEnum
CREATE TYPE "support_status" AS ENUM ('OPEN', 'ASSIGNED', 'CLOSED');

-- CreateTable
CREATE TABLE "chat_user" (
    "id" TEXT NOT NULL,
    "display_name" TEXT,
    "avatar_url" TEXT,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "settings" JSONB NOT NULL DEFAULT '{}',
    "banned_until" TIMESTAMPTZ(3),
    "tokens_valid_from" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "chat_user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "user_inbox" (
    "user_id" TEXT NOT NULL,
    "inbox_revision" INTEGER NOT NULL DEFAULT 0,
    "blocks_revision" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "user_inbox_pkey" PRIMARY KEY ("user_id")
);

-- CreateTable
CREATE TABLE "chat_session" (
    "id" UUID NOT NULL,
    "type" "chat_type" NOT NULL,
    "name" TEXT,
    "avatar_url" TEXT,
    "description" TEXT,
    "direct_low" TEXT,
    "direct_high" TEXT,
    "created_by_id" TEXT NOT NULL,
    "client_chat_id" TEXT,
    "external_ref" TEXT,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "slow_mode_seconds" INTEGER NOT NULL DEFAULT 0,
    "retention_days" INTEGER,
    "history_for_new_members" "history_for_new_members" NOT NULL DEFAULT 'NONE',
    "who_may_send" "participant_role" NOT NULL DEFAULT 'MEMBER',
    "who_may_invite" "participant_role" NOT NULL DEFAULT 'ADMIN',
    "request_status" "request_status",
    "requested_by_id" TEXT,
    "answered_at" TIMESTAMPTZ(3),
    "support_status" "support_status",
    "assignee_id" TEXT,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "chat_session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "chat_head" (
    "chat_id" UUID NOT NULL,
    "last_revision" INTEGER NOT NULL DEFAULT 0,
    "last_seq" INTEGER NOT NULL DEFAULT 0,
    "last_ordinal" INTEGER NOT NULL DEFAULT 0,
    "last_ordinal_seq" INTEGER NOT NULL DEFAULT 0,
    "min_seq" INTEGER NOT NULL DEFAULT 1,
    "floor_revision" INTEGER NOT NULL DEFAULT 0,
    "member_count" INTEGER NOT NULL DEFAULT 0,
    "last_message_at" TIMESTAMPTZ(3),

    CONSTRAINT "chat_head_pkey" PRIMARY KEY ("chat_id")
);

-- CreateTable
CREATE TABLE "chat_participant" (
    "chat_id" UUID NOT NULL,
    "user_id" TEXT NOT NULL,
    "role" "participant_role" NOT NULL DEFAULT 'MEMBER',
    "label" TEXT,
    "state" "participant_state" NOT NULL DEFAULT 'JOINED',
    "joined_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "join_revision" INTEGER NOT NULL,
    "visible_from_seq" INTEGER NOT NULL DEFAULT 1,
    "cleared_seq" INTEGER NOT NULL DEFAULT 0,
    "delivered_seq" INTEGER NOT NULL DEFAULT 0,
    "read_seq" INTEGER NOT NULL DEFAULT 0,
    "last_read_at" TIMESTAMPTZ(3),
    "sent_count" INTEGER NOT NULL DEFAULT 0,
    "silenced_until" TIMESTAMPTZ(3),
    "muted_until" TIMESTAMPTZ(3),
    "notifications" "notification_level" NOT NULL DEFAULT 'ALL',
    "archived_seq" INTEGER,
    "pinned_at" TIMESTAMPTZ(3),
    "marked_unread" BOOLEAN NOT NULL DEFAULT false,
    "revision" INTEGER NOT NULL,
    "inbox_revision" INTEGER NOT NULL,

    CONSTRAINT "chat_participant_pkey" PRIMARY KEY ("chat_id","user_id")
);

-- CreateTable
CREATE TABLE "chat_message" (
    "chat_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "revision" INTEGER NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "sender_ordinal" INTEGER NOT NULL,
    "sender_id" TEXT,
    "sender_label" TEXT,
    "type" "message_type" NOT NULL DEFAULT 'TEXT',
    "content" TEXT,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "system" JSONB,
    "reply_to_seq" INTEGER,
    "thread_root_seq" INTEGER,
    "reply_count" INTEGER NOT NULL DEFAULT 0,
    "last_reply_seq" INTEGER,
    "forwarded_from" JSONB,
    "mentions" JSONB,
    "reactions" JSONB,
    "pinned_by_id" TEXT,
    "pinned_at" TIMESTAMPTZ(3),
    "client_message_id" TEXT NOT NULL,
    "request_hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "edited_at" TIMESTAMPTZ(3),
    "deleted_at" TIMESTAMPTZ(3),
    "deleted_by_id" TEXT,

    CONSTRAINT "chat_message_pkey" PRIMARY KEY ("chat_id","seq")
);

-- CreateTable
CREATE TABLE "message_read" (
    "chat_id" UUID NOT NULL,
    "user_id" TEXT NOT NULL,
    "from_seq" INTEGER NOT NULL,
    "to_seq" INTEGER NOT NULL,
    "read_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "message_read_pkey" PRIMARY KEY ("chat_id","user_id","to_seq")
);

-- CreateTable
CREATE TABLE "message_version" (
    "chat_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "content" TEXT,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "replaced_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "message_version_pkey" PRIMARY KEY ("chat_id","seq","version")
);

-- CreateTable
CREATE TABLE "message_hidden" (
    "chat_id" UUID NOT NULL,
    "user_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "inbox_revision" INTEGER NOT NULL,
    "hidden_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "message_hidden_pkey" PRIMARY KEY ("chat_id","user_id","seq")
);

-- CreateTable
CREATE TABLE "user_block" (
    "user_id" TEXT NOT NULL,
    "blocked_user_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "user_block_pkey" PRIMARY KEY ("user_id","blocked_user_id")
);

-- CreateTable
CREATE TABLE "user_presence" (
    "user_id" TEXT NOT NULL,
    "status" TEXT,
    "status_text" TEXT,
    "last_seen_at" TIMESTAMPTZ(3),

    CONSTRAINT "user_presence_pkey" PRIMARY KEY ("user_id")
);

-- CreateTable
CREATE TABLE "presence_lease" (
    "user_id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "lease_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "presence_lease_pkey" PRIMARY KEY ("user_id","node_id")
);

-- CreateTable
CREATE TABLE "meta" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "epoch" UUID NOT NULL,

    CONSTRAINT "meta_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "chat_session_labels_idx" ON "chat_session" USING GIN ("labels" jsonb_path_ops);

-- CreateIndex
CREATE UNIQUE INDEX "chat_session_direct_low_direct_high_key" ON "chat_session"("direct_low", "direct_high");

-- CreateIndex
CREATE UNIQUE INDEX "chat_session_created_by_id_client_chat_id_key" ON "chat_session"("created_by_id", "client_chat_id");

-- CreateIndex
CREATE UNIQUE INDEX "chat_session_type_external_ref_key" ON "chat_session"("type", "external_ref");

-- CreateIndex
CREATE INDEX "chat_participant_chat_id_revision_idx" ON "chat_participant"("chat_id", "revision");

-- CreateIndex
CREATE INDEX "chat_participant_user_id_inbox_revision_idx" ON "chat_participant"("user_id", "inbox_revision");

-- CreateIndex
CREATE UNIQUE INDEX "chat_message_chat_id_revision_key" ON "chat_message"("chat_id", "revision");

-- CreateIndex
CREATE INDEX "message_hidden_chat_id_seq_idx" ON "message_hidden"("chat_id", "seq");

-- CreateIndex
CREATE INDEX "user_block_blocked_user_id_idx" ON "user_block"("blocked_user_id");

-- CreateIndex
CREATE INDEX "presence_lease_node_id_idx" ON "presence_lease"("node_id");

-- CreateIndex
CREATE INDEX "presence_lease_lease_until_idx" ON "presence_lease"("lease_until");

-- AddForeignKey
ALTER TABLE "user_inbox" ADD CONSTRAINT "user_inbox_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "chat_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chat_head" ADD CONSTRAINT "chat_head_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chat_session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chat_participant" ADD CONSTRAINT "chat_participant_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chat_session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chat_participant" ADD CONSTRAINT "chat_participant_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "chat_user"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chat_message" ADD CONSTRAINT "chat_message_chat_id_fkey" FOREIGN KEY ("chat_id") REFERENCES "chat_session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chat_message" ADD CONSTRAINT "chat_message_chat_id_sender_id_fkey" FOREIGN KEY ("chat_id", "sender_id") REFERENCES "chat_participant"("chat_id", "user_id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "message_read" ADD CONSTRAINT "message_read_chat_id_user_id_fkey" FOREIGN KEY ("chat_id", "user_id") REFERENCES "chat_participant"("chat_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_version" ADD CONSTRAINT "message_version_chat_id_seq_fkey" FOREIGN KEY ("chat_id", "seq") REFERENCES "chat_message"("chat_id", "seq") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_hidden" ADD CONSTRAINT "message_hidden_chat_id_user_id_fkey" FOREIGN KEY ("chat_id", "user_id") REFERENCES "chat_participant"("chat_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_hidden" ADD CONSTRAINT "message_hidden_chat_id_seq_fkey" FOREIGN KEY ("chat_id", "seq") REFERENCES "chat_message"("chat_id", "seq") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "user_block" ADD CONSTRAINT "user_block_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "chat_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "user_block" ADD CONSTRAINT "user_block_blocked_user_id_fkey" FOREIGN KEY ("blocked_user_id") REFERENCES "chat_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "user_presence" ADD CONSTRAINT "user_presence_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "chat_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "presence_lease" ADD CONSTRAINT "presence_lease_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "chat_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;


