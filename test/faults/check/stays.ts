// Who was in a chat from which revision to which, as its SYSTEM messages tell: they are never changed.
import type { DatabaseFacts } from './evidence.ts'

/** Both revisions are of frames that the user gets. */
export interface Stay { fromRevision: number, toRevision: number, from: number, to: number }

/** By `<userId> <chatId>`, of all who have come or gone since the chat was made. Who is in none of them has been in it all the time. */
export function staysOf ({ messages }: Pick<DatabaseFacts, 'messages'>): Map<string, Stay[]> {
  const stays = new Map<string, Stay[]>()
  const of = (userId: string, chatId: string, isFirstStep: 'joins' | 'leaves'): Stay[] => {
    const key = `${userId} ${chatId}`
    const own = stays.get(key) ?? (isFirstStep === 'joins' ? [] : [{ fromRevision: 0, toRevision: Infinity, from: 0, to: Infinity }])
    stays.set(key, own)
    return own
  }
  for (const { chatId, revision, message } of messages.toSorted((a, b) => a.revision - b.revision)) {
    const { kind = '', targetIds = [], data = {} } = message.system ?? {}
    const at = Date.parse(message.createdAt)
    if (kind === 'participants_added') {
      // Each row that is changed takes the next revision, and the frame has the last of them.
      for (const userId of targetIds) of(userId, chatId, 'joins').push({ fromRevision: revision + targetIds.length, toRevision: Infinity, from: at, to: Infinity })
    }
    if (kind === 'participant_left' || kind === 'participant_removed') {
      const rows = 'newOwnerId' in data ? 2 : 1
      for (const userId of targetIds) {
        const stay = of(userId, chatId, 'leaves').at(-1)
        if (stay) Object.assign(stay, { toRevision: revision + rows, to: at })
      }
    }
  }
  return stays
}
