-- CreateTable
CREATE TABLE "mention" (
    "chat_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "n" INTEGER NOT NULL,
    "user_id" TEXT,

    CONSTRAINT "mention_pkey" PRIMARY KEY ("chat_id","seq","n")
);

-- CreateIndex
CREATE INDEX "mention_chat_id_user_id_seq_idx" ON "mention"("chat_id", "user_id", "seq");

-- AddForeignKey
ALTER TABLE "mention" ADD CONSTRAINT "mention_chat_id_seq_fkey" FOREIGN KEY ("chat_id", "seq") REFERENCES "chat_message"("chat_id", "seq") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "mention" ADD CONSTRAINT "mention_chat_id_user_id_fkey" FOREIGN KEY ("chat_id", "user_id") REFERENCES "chat_participant"("chat_id", "user_id") ON DELETE NO ACTION ON UPDATE NO ACTION;
