/**
 * How search works, and why so.
 *
 * Beside each message lies its folded text (text.ts), written with it; a hit is a message whose text is LIKE all terms, and
 * that the user may see. That needs no letters known to the database, finds parts of words in any script, and is exact.
 *
 * Which messages are looked at, posting lists say (grams.ts, postings.ts): for each piece of a word, in which messages of a
 * chat it occurs. They are made behind the sends (indexer.ts) for segments of a chat (segments.ts); the newest messages, which
 * are in no segment yet, are all looked at, and so are those that were changed since theirs was made. Nothing depends on the chats of others:
 * every look-up starts with a chat.
 *
 * PostgreSQL cuts the lists out of the rows (chat.search_candidates), this process intersects them: for that SQL has no quick way.
 * Its own indexes would cost each send more than all the rest of it. Measured per message, with 57 trigrams each (the row alone:
 * 33 µs, 0.27 kB of WAL):
 * - GIN over hashed trigrams, the chat mixed into the key: 180 µs, 6.3 kB of WAL.
 * - B-tree of (chat, trigram, seq): 1,080 µs, 11.7 kB of WAL, 4.7 kB of disk.
 * And Bloom filters over blocks of messages: they do not tell apart two words that are common and seldom together.
 */
import type { Queryable } from '../plugins/database.ts'
import { candidatesOf } from './candidates.ts'
import { loadCandidates, loadHits, type HitRow, type Position, type Stretch, type Wanted } from './queries.ts'

/** Of each chat so many candidates at first; then more of those that can still have something newer. */
const FIRST = 5
const GROWTH = 4
/** In a chat alone nothing has to be compared with others: what is wanted, and some that will turn out not to be hits. */
const FIRST_ALONE = 1.25
/** Of who is in thousands of chats, those with the newest messages first. */
const FIRST_CHATS = 100
/** Chats that one connection reads; more of them share. */
const CHATS_EACH = 12
const MOST_CONNECTIONS = 4
/** Messages that one statement looks at. */
const MOST = 4_000

/** `row`: with what is shown of it, if that was asked for. */
export interface Hit extends Position { score: number, row: HitRow }

/** What is left of a chat, nothing of it newer than `newestAt`. undefined: no candidates have been read yet. */
interface Source { stretch: Stretch, newestAt: number, candidates: Iterator<number, undefined> | undefined, isEmpty: boolean }

/**
 * The newest `limit` hits of all the stretches, newest first (fewer: there are no more).
 *
 * In rounds: each looks at the next candidates of all chats that can still hold something newer than the last of the hits
 * that are wanted. `isShown`: with what is shown of them.
 */
export async function findNewest (db: Queryable, stretches: Stretch[], wanted: Wanted, limit: number, isShown: boolean): Promise<Hit[]> {
  const hits: Hit[] = []
  let sources: Source[] = stretches.map(stretch => ({ stretch, newestAt: stretch.newestAt, candidates: undefined, isEmpty: false }))
  let chats = FIRST_CHATS
  for (let count = sources.length === 1 ? Math.ceil(limit * FIRST_ALONE) : FIRST; ; count *= GROWTH, chats *= GROWTH) {
    hits.sort(newestFirst).splice(limit)
    const last = hits[limit - 1]
    sources = sources.filter(({ newestAt, isEmpty }) => !isEmpty && (!last || newestAt >= last.at)).sort((a, b) => b.newestAt - a.newestAt)
    if (sources.length === 0) return hits

    const round = sources.slice(0, chats)
    await read(db, wanted, round.filter(({ candidates }) => !candidates))
    const messages = round.flatMap(source => take(source, Math.min(count, Math.ceil(MOST / round.length))))
    if (messages.length === 0) continue
    for (const row of await loadHits(db, wanted, messages, isShown ? limit : 0)) {
      const { source, chatId, seq } = messages[row.n - 1]!
      source.newestAt = Math.min(source.newestAt, row.at)
      hits.push({ chatId, seq, at: row.at, score: row.score, row })
    }
  }
}

/** Most of a search is this. The chats are dealt out to several connections: the database has more than one core. */
async function read (db: Queryable, wanted: Wanted, sources: Source[]): Promise<void> {
  const connections = Math.min(MOST_CONNECTIONS, Math.ceil(sources.length / CHATS_EACH))
  await Promise.all(Array.from({ length: connections }, async (_, connection) => {
    const share = sources.filter((_, index) => index % connections === connection)
    const rows = Map.groupBy(await loadCandidates(db, wanted, share.map(({ stretch }) => stretch)), ({ n }) => n)
    for (const [index, source] of share.entries()) source.candidates = candidatesOf(rows.get(index + 1) ?? [], source.stretch)
  }))
}

function take (source: Source, count: number): { source: Source, chatId: string, seq: number }[] {
  const taken = []
  while (taken.length < count && !source.isEmpty) {
    const seq = source.candidates?.next().value
    if (seq === undefined) source.isEmpty = true
    else taken.push({ source, chatId: source.stretch.chatId, seq })
  }
  return taken
}

export function newestFirst (a: Position, b: Position): number {
  return b.at - a.at || (a.chatId < b.chatId ? -1 : a.chatId > b.chatId ? 1 : b.seq - a.seq)
}

export function bestFirst (a: Position & { score: number }, b: Position & { score: number }): number {
  return b.score - a.score || newestFirst(a, b)
}
