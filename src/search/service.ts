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
import { loadFound, searchScope, type Position } from './queries.ts'
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
  type Found = { hits: Hit[], nextCursor: string | null }

  /** Newest first: the page itself, and one hit more to know whether there are others. */
  async function newest (userId: string, chatId: string | undefined, { cursor, limit = 50, ...query }: SearchQuery, terms: string[]): Promise<Found> {
    const hits = await find(userId, chatId, query, terms, decodeCursor(cursor, checkNewest), limit + 1, false)
    const page = hits.slice(0, limit)
    const last = page.at(-1)
    return { hits: page, nextCursor: hits.length > limit && last ? encodeCursor(positionOf(last)) : null }
  }

  /** The best of a pool, which begins at a certain hit: messages that come while somebody leafs through do not move it. */
  async function best (userId: string, chatId: string | undefined, { cursor, limit = 50, ...query }: SearchQuery, terms: string[]): Promise<Found> {
    const key = decodeCursor(cursor, checkBest)
    const pool = await find(userId, chatId, query, terms, key?.pool, POOL, true)
    const after = key?.after && { ...key.after, score: key.score ?? 0 }
    const rest = pool.toSorted(bestFirst).filter(hit => !after || bestFirst(after, hit) < 0)
    const page = rest.slice(0, limit)
    const [first, last, end] = [pool[0], page.at(-1), pool.at(-1)]
    if (first && last && rest.length > limit) {
      const start = key?.pool ?? { ...positionOf(first), seq: first.seq + 1 } // right before its first
      return { hits: page, nextCursor: encodeCursor({ pool: start, score: last.score, after: positionOf(last) }) }
    }
    return { hits: page, nextCursor: end && pool.length === POOL ? encodeCursor({ pool: positionOf(end) }) : null }
  }

  async function find (userId: string, chatId: string | undefined, { type, hasAttachment, senderId, from, to }: SearchQuery, terms: string[], after: Position | undefined, limit: number, isRanked: boolean): Promise<Hit[]> {
    const scope = await searchScope(db, userId, { chatId, from, to, after })
    if (!scope) throw new ApiError('CHAT_NOT_FOUND')
    if (terms.length === 0) return []
    const types = typesOf({ ...(type && { type }), ...(hasAttachment !== undefined && { hasAttachment }) }) ?? (hasAttachment === false ? ['TEXT'] : undefined)
    return findNewest(db, scope, { userId, terms, probes: probesOf(terms, senderId, types), types, senderId, isRanked }, limit)
  }

  return {
    /** In one chat, or in all that the user is in. Never what they could not read in the history. @throws {ApiError} CHAT_NOT_FOUND */
    async search (userId: string, chatId: string | undefined, query: SearchQuery): Promise<EncodedJson> {
      const terms = parseQuery(query.q)
      const { hits, nextCursor } = await (query.order === 'best' ? best : newest)(userId, chatId, query, terms)
      const { found, users } = hits.length === 0 ? { found: [], users: '{}' } : await loadFound(db, userId, hits)
      const data = found.flatMap(({ message, content }) => {
        const snippet = snippetOf(content, terms)
        return snippet ? `{"message":${message},"snippet":${JSON.stringify(snippet)}}` : [] // not there any more
      })
      return new EncodedJson(`{"data":[${data.join()}],"users":${users},"nextCursor":${JSON.stringify(nextCursor)}}`)
    },
  }
}

function positionOf ({ at, chatId, seq }: Position): Position {
  return { at, chatId, seq }
}
