import type { Change } from '../changes.ts'
import { received } from './publish.ts'
import { sendMessages, type SendItem, type SendOutcome } from './queries.ts'
import { refused } from './writer.ts'

/** Sends a message as a part of a change under way: both are committed, or neither is. @throws {ApiError} what it is refused for */
export async function sendWithin (change: Change, item: SendItem): Promise<SendOutcome> {
  const [outcome] = await sendMessages(change.tx, [item], { wait: true })
  if (!outcome) throw new Error('chat.send_messages has left out a row')
  if (outcome.status === 'rejected') throw refused(outcome)
  if (outcome.status === 'created') {
    change.tookRevision(outcome.revision)
    const { event, beside } = received(outcome)
    change.publish(event)
    for (const frame of beside) change.tell(frame)
  }
  return outcome
}
