import type { Change } from '../changes.ts'
import { nextAgent, setSupport, supportState, type SupportState } from './queries.ts'

/** Tells everybody in the chat whose it is now. */
export async function assign (change: Change, support: Pick<SupportState, 'status' | 'assigneeId'>): Promise<void> {
  const chat = await setSupport(change.tx, change.chatId, support, await change.takeRevisions())
  change.publish({ type: 'chat_updated', data: { chat } })
}

/**
 * Somebody has left the chat, or was put out of it. If it was theirs, it goes to the agent who has been in it longest, or back to the
 * queue: no support chat belongs to somebody who cannot see it.
 */
export async function passOn (change: Change, userId: string): Promise<void> {
  const support = await supportState(change.tx, change.chatId)
  if (support?.assigneeId !== userId) return
  const assigneeId = await nextAgent(change.tx, change.chatId) ?? null
  await assign(change, { assigneeId, status: support.status === 'CLOSED' ? 'CLOSED' : statusOf(assigneeId) })
}

/** Of a chat that is not closed. */
export function statusOf (assigneeId: string | null): 'OPEN' | 'ASSIGNED' {
  return assigneeId === null ? 'OPEN' : 'ASSIGNED'
}
