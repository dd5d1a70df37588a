import type { Change } from '../changes.ts'
import type { MessageKey } from './message-id.ts'
import { factsOf } from './publish.ts'
import { blankMessage } from './queries.ts'
import { countReply } from './thread-queries.ts'

/** What of a message has to be known for that. */
export interface Removable {
  senderId: string | null
  /** Of the thread that it is in, if the message at its top is still there. */
  threadRootSeq: number | null
}

/**
 * Deletes a message for everybody, within a change that holds the chat's lock. It does not count in its thread any more.
 * @param deletedById null: the application's server
 * @returns the JSON of the message
 */
export async function deleteMessage (change: Change, key: MessageKey, removable: Removable, deletedById: string | null): Promise<string> {
  return changeInThread(change, key, removable, { type: 'message_deleted', difference: -1 }, revision => blankMessage(change.tx, key, revision, deletedById))
}

/** Changes a message and, if it is a reply, the count of its thread: two rows, two revisions, one event. */
export async function changeInThread (
  change: Change, { chatId, seq }: MessageKey, { senderId, threadRootSeq }: Removable, { type, difference }: { type: string, difference: 1 | -1 }, write: (revision: number) => Promise<string>
): Promise<string> {
  const first = await change.takeRevisions(threadRootSeq === null ? 1 : 2)
  const message = await write(threadRootSeq === null ? first : first + 1)
  const facts = { message: { seq, senderId } }
  if (threadRootSeq === null) {
    change.publish({ type, data: `{"message":${message}}`, ...facts })
  } else {
    const threadRoot = await countReply(change.tx, { chatId, seq: threadRootSeq }, first, difference)
    change.publish({ type, data: `{"message":${message},"threadRoot":${threadRoot}}`, ...facts, threadRoot: factsOf(threadRoot) })
  }
  return message
}
