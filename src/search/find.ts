/**
 * How search works, and why so.
 *
 * Beside each message lies its folded text (text.ts), written with it; a hit is a row whose text is LIKE all terms. That
 * needs no letters known to the database, finds parts of words in any script, and is exact. Looking costs about 1 µs a row.
 *
 * - A common word is found among the newest messages: look at those, in rounds, until there are enough hits.
 * - For the others there are Bloom filters over blocks of 128 messages and over 32 such blocks (grams.ts): a chat of 20,000
 *   messages has five of the upper ones. They are made behind the sends (indexer.ts); a block without one is
 *   looked at. Nothing depends on the chats of others: every look-up starts with a chat.
 *
 * Measured against it, with 57 trigrams a message, per message sent (the row alone: 33 µs, 0.27 kB of WAL):
 * - GIN over hashed trigrams, the chat mixed into the key: 180 µs, 6.3 kB of WAL, and a common word's whole list to walk.
 * - B-tree of (chat, trigram, seq): 1,080 µs, 11.7 kB of WAL, 4.7 kB of disk.
 * The filters: 64–80 µs a message on a busy machine, outside of the send, and 73 bytes of disk.
 */
import type { Queryable } from '../plugins/database.ts'
import { scan, type Position, type Scan, type ScanRow, type Scope, type Stretch } from './queries.ts'

/** So many of the newest messages of each chat are looked at first. Of a common word that is enough. */
const FIRST_WINDOW = 32
/** Nothing found yet: the filters will pass over most of the next window. */
const LEAP = 64
const MAX_GROWTH = 16
/** Of who is in thousands of chats, those with the newest messages first. */
const FIRST_CHATS = 100
const MORE_CHATS = 4

export interface Hit extends Position { score: number }

/**
 * The newest `limit` hits of all the stretches, newest first (fewer: there are no more).
 *
 * In rounds: each looks some way further down in all chats that can still hold something newer than the last of the hits
 * that are wanted. What is left of a chat is no newer than its `newestAt`.
 */
export async function findNewest (db: Queryable, { stretches, blocked }: Scope, search: Omit<Scan, 'blocked' | 'limit'>, limit: number): Promise<Hit[]> {
  const hits = new Map<string, Hit>()
  let left = stretches.toSorted((a, b) => b.newestAt - a.newestAt)
  let window = left.length === 1 ? Infinity : FIRST_WINDOW
  let chats = FIRST_CHATS
  for (;;) {
    const newest = [...hits.values()].sort(newestFirst).slice(0, limit)
    const last = newest[limit - 1]
    const next = left.filter(({ chatId, below, newestAt }) => !last || newestFirst({ at: newestAt, chatId, seq: below - 1 }, last) < 0).slice(0, chats)
    if (next.length === 0) return newest

    const rows = await scan(db, { ...search, blocked, limit }, next, next.map(({ low, below }) => Math.max(low, below - window)))
    for (const { chatId, seq, at, score } of rows) if (at !== null && score !== null) hits.set(`${chatId}.${seq}`, { chatId, seq, at, score })
    const byChat = Map.groupBy(rows, ({ chatId }) => chatId)
    left = [...left.filter(stretch => !next.includes(stretch)), ...next.flatMap(stretch => restOf(stretch, byChat.get(stretch.chatId) ?? [], limit))]
      .sort((a, b) => b.newestAt - a.newestAt)
    window *= hits.size === 0 ? LEAP : Math.min(MAX_GROWTH, Math.max(2, Math.ceil(limit / hits.size)))
    chats *= MORE_CHATS
  }
}

/** What has not been looked at. The rows come newest first (but for those that were edited, which come last): at the limit it was left off. */
function restOf (stretch: Stretch, rows: ScanRow[], limit: number): Stretch[] {
  const end = rows.at(-1)
  const isCut = rows.length > limit
  const last = isCut ? rows.slice(0, limit).reduce((lowest, row) => row.seq < lowest.seq ? row : lowest) : end
  return last?.at == null || last.seq <= stretch.low ? [] : [{ ...stretch, below: last.seq, newestAt: last.at }]
}

export function newestFirst (a: Position, b: Position): number {
  return b.at - a.at || (a.chatId < b.chatId ? -1 : a.chatId > b.chatId ? 1 : b.seq - a.seq)
}

export function bestFirst (a: Hit, b: Hit): number {
  return b.score - a.score || newestFirst(a, b)
}
