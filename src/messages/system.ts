import { v7 as uuidv7 } from 'uuid'
import type { Change } from '../changes.ts'
import { sendMessages } from './queries.ts'

export interface SystemNotice { kind: string, actorId: string | null, targetIds: string[], data?: object }

/** Its JSON and seq, for the event of the change to carry. */
export interface WrittenNotice { message: string, seq: number }

/** Writes a SYSTEM message within a change under way. */
export async function writeSystemMessage (change: Change, { kind, actorId, targetIds, data = {} }: SystemNotice): Promise<WrittenNotice> {
  const [outcome] = await sendMessages(change.tx, [{
    chatId: change.chatId,
    senderId: null,
    type: 'SYSTEM',
    system: { kind, actorId, targetIds, data },
    clientMessageId: uuidv7(),
    requestHash: kind,
  }], { wait: true })
  if (outcome?.status !== 'created') throw new Error(`A SYSTEM message was not written: ${outcome?.code}`)
  change.tookRevision(outcome.revision)
  return { message: outcome.message, seq: outcome.seq }
}
