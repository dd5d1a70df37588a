import { Type } from 'typebox'
import { ApiError } from '../errors.ts'
import { EncodedJson } from '../json.ts'
import { typesOf } from '../messages/history-queries.ts'
import { encodeCursor, decodeCursor } from '../pages.ts'
import type { Queryable } from '../plugins/database.ts'
import { compile } from '../plugins/validation.ts'
import { ChatId, Input, Seq } from '../primitives.ts'
import { bestFirst, findNewest, type Hit } from './find.ts'
import { probesOf } from './grams.ts'
import { loadHits, searchScope, type HitRow, type Position, type Stretch, type Wanted } from './queries.ts'
import type { SearchQuery } from './schemas.ts'
import { snippetOf } from './snippet.ts'
import { parseQuery } from './terms.ts'

export type SearchService = ReturnType<typeof searchService>

/** The best are chosen from so many of the newest hits: to look at all that a common word has would take as long as there are messages. */
const POOL = 500

/** The last time that a Date can be. */
const LATEST = 8_640_000_000_000_000
const position = { at: Type.Integer({ minimum: -62_135_596_800_000, maximum: 253_402_300_799_999 }), chatId: ChatId, seq: Seq }
const checkNewest = compile(Input(position), 'cursor')
const checkBest = compile(Input({ pool: Input(position), score: Type.Optional(Type.Integer({ minimum: 0, maximum: LATEST })), after: Type.Optional(Input(position)) }), 'cursor')

export function searchService (db: Queryable) {
  type Found = { rows: HitRow[], nextCursor: string | null }

  /** Newest first: the page itself, and one hit more to know whether there are others. */
  async function newest (userId: string, chatId: string | undefined, { cursor, limit = 50, ...query }: SearchQuery, terms: string[]): Promise<Found> {
    const { stretches, wanted } = await plan(userId, chatId, query, terms, decodeCursor(cursor, checkNewest))
    const hits = await findNewest(db, stretches, wanted, limit + 1, true)
    const page = hits.slice(0, limit)
    const last = page.at(-1)
    return { rows: page.map(({ row }) => row), nextCursor: hits.length > limit && last ? encodeCursor(positionOf(last)) : null }
  }

  /** The best of a pool, which begins at a certain hit: messages that come while somebody leafs through do not move it. */
  async function best (userId: string, chatId: string | undefined, { cursor, limit = 50, ...query }: SearchQuery, terms: string[]): Promise<Found> {
    const key = decodeCursor(cursor, checkBest)
    const { stretches, wanted } = await plan(userId, chatId, query, terms, key?.pool)
    const pool = await findNewest(db, stretches, { ...wanted, isRanked: true }, POOL, false)
    const after = key?.after && { ...key.after, score: key.score ?? 0 }
    const rest = pool.toSorted(bestFirst).filter(hit => !after || bestFirst(after, hit) < 0)
    const page = rest.slice(0, limit)
    const rows = page.length === 0 ? [] : await loadHits(db, wanted, page, page.length)
    return { rows: rows.sort((a, b) => a.n - b.n), nextCursor: nextOf(key?.pool, pool, page, rest.length > limit) }
  }

  async function plan (userId: string, chatId: string | undefined, { type, hasAttachment, senderId, from, to }: SearchQuery, terms: string[], after: Position | undefined): Promise<{ stretches: Stretch[], wanted: Wanted }> {
    const scope = await searchScope(db, userId, { chatId, from, to, after })
    if (!scope) throw new ApiError('CHAT_NOT_FOUND')
    const types = typesOf({ ...(type && { type }), ...(hasAttachment !== undefined && { hasAttachment }) }) ?? (hasAttachment === false ? ['TEXT'] : undefined)
    const wanted = { userId, blocked: scope.blocked, terms, probes: probesOf(terms, senderId, types), types, senderId, isRanked: false }
    return { stretches: terms.length === 0 ? [] : scope.stretches, wanted }
  }

  return {
    /** In one chat, or in all that the user is in. Never what they could not read in the history. @throws {ApiError} CHAT_NOT_FOUND */
    async search (userId: string, chatId: string | undefined, query: SearchQuery): Promise<EncodedJson> {
      const terms = parseQuery(query.q)
      const { rows, nextCursor } = await (query.order === 'best' ? best : newest)(userId, chatId, query, terms)
      const users = new Map<string, string>()
      const data = rows.flatMap(row => {
        if (row.content === null) return []
        const snippet = snippetOf(row.content, terms)
        if (!snippet) return []
        users.set(row.senderId, row.sender)
        return `{"message":${row.message},"snippet":${JSON.stringify(snippet)}}`
      })
      const people = Array.from(users, ([id, user]) => `${JSON.stringify(id)}:${user}`)
      return new EncodedJson(`{"data":[${data.join()}],"users":{${people.join()}},"nextCursor":${JSON.stringify(nextCursor)}}`)
    },
  }
}

/** Where the next page begins: behind this one in the same pool, or with the next pool. */
function nextOf (start: Position | undefined, pool: Hit[], page: Hit[], isMore: boolean): string | null {
  const [first, last, end] = [pool[0], page.at(-1), pool.at(-1)]
  if (first && last && isMore) {
    const from = start ?? { ...positionOf(first), seq: first.seq + 1 } // right before its first
    return encodeCursor({ pool: from, score: last.score, after: positionOf(last) })
  }
  return end && pool.length === POOL ? encodeCursor({ pool: positionOf(end) }) : null
}

function positionOf ({ at, chatId, seq }: Position): Position {
  return { at, chatId, seq }
}
