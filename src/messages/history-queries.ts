import { SharedJson, SharedText } from '../json.ts'
import type { Queryable } from '../plugins/database.ts'
import type { NewestPage } from './newest-pages.ts'
import { MAX_SEQ, type PageEnds, type PageRange } from './range.ts'
import type { History } from './schemas.ts'

export type HistoryFilter = Pick<History, 'type' | 'senderId' | 'from' | 'to' | 'hasAttachment'>

/** `newest`: what of it all see alike who see all of it, if this user does. */
export interface HistoryRows extends PageEnds { page: SharedJson, deliveredSeq: number, newest: NewestPage | undefined }

/** What of a page depends on the messages alone, or null: it is the one that is known already. */
interface PageRow extends PageEnds { shared: string | null, own: string, bound: number, deliveredSeq: number, isShared: boolean, revision: number, lowestSeq: number, senders: string[] }

/** The types that come with attachments. */
export const MEDIA = ['IMAGE', 'VIDEO', 'AUDIO', 'VOICE', 'FILE'] as const

/** The types that a filter leaves, where these are named; [] if it contradicts itself. */
export function typesOf ({ type, hasAttachment }: Pick<HistoryFilter, 'type' | 'hasAttachment'>): readonly string[] | undefined {
  if (type === undefined) return hasAttachment ? MEDIA : undefined
  const isMedia = MEDIA.some(each => each === type)
  return hasAttachment === undefined || hasAttachment === isMedia ? [type] : []
}

/**
 * Older than `before` and newer than `after`, ascending; undefined for who is not in the chat. Each form of the question is a
 * statement of its own, with no more in it than it needs, and walks an index that has its rows in order: by sender, by type
 * (but TEXT, which most are), else by seq alone. Times are turned into seqs first. `known` is not read again if it is what
 * this would find.
 */
export async function listMessages (db: Queryable, chatId: string, userId: string, range: PageRange, filter: HistoryFilter, known?: NewestPage): Promise<HistoryRows | undefined> {
  const types = typesOf(filter)
  const bySender = filter.senderId !== undefined
  const byType = types !== undefined && types[0] !== 'TEXT'
  const byTime = filter.from !== undefined || filter.to !== undefined
  const withoutMedia = !types && filter.hasAttachment === false
  const ways = [...(range.olderLimit > 0 ? ['older'] : []), ...(range.newerLimit > 0 ? ['newer'] : [])]

  const values: unknown[] = [chatId, userId]
  const parameter = (value: unknown, type: string) => `$${values.push(value)}::${type}`
  const conditions = [
    ...(bySender ? [`m.sender_id = ${parameter(filter.senderId, 'text')}`] : []),
    ...(types ? [byType ? "m.type = wanted.type AND m.type <> 'TEXT'" : "m.type = 'TEXT'"] : []),
    ...(withoutMedia ? [`m.type NOT IN (${MEDIA.map(type => `'${type}'`).join()})`] : []),
  ]
  const wanted = byType ? `unnest(${parameter(types, 'chat.message_type[]')}) AS wanted (type)` : ''
  const bounds = byTime
    ? `greatest(v.bound, chat.first_seq_since(v.h, ${parameter(filter.from ?? null, 'timestamptz')}) - 1) AS low, coalesce(chat.first_seq_since(v.h, ${parameter(filter.to ?? null, 'timestamptz')}), ${MAX_SEQ}) AS high`
    : `v.bound AS low, ${MAX_SEQ} AS high`
  const half = (way: string) => {
    const isOlder = way === 'older'
    const end = isOlder ? `m.seq < ${parameter(range.before, 'integer')}` : `m.seq > ${parameter(range.after, 'integer')}`
    const limit = parameter(isOlder ? range.olderLimit : range.newerLimit, 'integer')
    const order = isOlder ? 'DESC' : 'ASC'
    const walk = `SELECT m.seq, m.reply_to_seq, m.thread_root_seq, m.sender_id, chat.message_text_for(m, (SELECT b.blocked FROM bounds b)) AS message FROM chat.chat_message m
      WHERE m.chat_id = $1 AND m.seq > (SELECT b.low FROM bounds b) AND m.seq < (SELECT b.high FROM bounds b) AND ${end}
        AND NOT (SELECT k.is_known FROM known k)
        AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = $1 AND x.user_id = $2 AND x.seq = m.seq)${conditions.map(each => ` AND ${each}`).join('')}
      ORDER BY m.seq ${order} LIMIT ${limit} + 1`
    const found = byType ? `SELECT found.* FROM ${wanted} CROSS JOIN LATERAL (${walk}) found ORDER BY found.seq ${order} LIMIT ${limit} + 1` : walk
    // One more than is asked for, so that it is known whether there is more: the last on the way.
    const isMore = `(SELECT count(*) FROM ${way}) > ${limit}`
    return {
      found: `${way} AS MATERIALIZED (${found})`,
      kept: `SELECT w.* FROM ${way} w WHERE NOT (${isMore} AND w.seq = (SELECT ${isOlder ? 'min' : 'max'}(l.seq) FROM ${way} l))`,
      isMore: `${isMore} AS ${way}`,
    }
  }
  const halves = ways.map(half)
  const [revision, lowest, senders] = [parameter(known?.revision ?? -1, 'integer'), parameter(known?.lowestSeq ?? 0, 'integer'), parameter(known?.senders ?? [], 'text[]')]

  const [row] = await db.query<PageRow>({
    name: `messages.listMessages.${[...ways, bySender && 'sender', types && (byType ? 'type' : 'text'), withoutMedia && 'plain', byTime && 'time'].filter(Boolean).join('.')}`,
    text: `WITH viewer AS MATERIALIZED (SELECT * FROM chat.viewer($1, $2)),
      bounds AS MATERIALIZED (SELECT ${bounds}, v.blocked FROM viewer v),
      -- Who blocks nobody and has hidden nothing here sees what others see, above their bound.
      sight AS MATERIALIZED (SELECT v.blocked = '{}' AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = $1 AND x.user_id = $2) AS is_plain FROM viewer v),
      known AS MATERIALIZED (SELECT s.is_plain AND (v.h).last_revision = ${revision} AND v.bound < ${lowest} AS is_known FROM viewer v, sight s),
      ${halves.map(({ found }) => found).join(', ')},
      shown AS (
        SELECT string_agg(page.message, ',' ORDER BY page.seq) AS data,
          array_agg(page.reply_to_seq) FILTER (WHERE page.reply_to_seq IS NOT NULL) AS replied, array_agg(page.thread_root_seq) FILTER (WHERE page.thread_root_seq IS NOT NULL) AS threads,
          array_agg(DISTINCT page.sender_id) FILTER (WHERE page.sender_id IS NOT NULL) AS senders, coalesce(min(page.seq), 0) AS first_seq, coalesce(max(page.seq), 0) AS last_seq,
          coalesce(least(min(page.seq), min(page.reply_to_seq), min(page.thread_root_seq)), 0) AS lowest_seq
        FROM (${halves.map(({ kept }) => kept).join(' UNION ALL ')}) page)
      SELECT CASE WHEN NOT k.is_known THEN
          concat('{"data":[', s.data, '],"related":', CASE WHEN s.replied IS NULL AND s.threads IS NULL THEN '{}' ELSE chat.related_json($1, s.replied || s.threads, $2, v.bound, v.blocked) END) END AS shared,
        concat(',"users":', chat.users_json(CASE WHEN k.is_known THEN ${senders} ELSE s.senders END), ',"watermarks":', chat.watermarks_json(v.h, $2), '}') AS own,
        v.bound, (v.p).delivered_seq AS "deliveredSeq", (v.h).last_revision AS revision, coalesce(s.senders, '{}') AS senders,
        s.first_seq AS "firstSeq", s.last_seq AS "lastSeq", s.lowest_seq AS "lowestSeq", ${halves.map(({ isMore }) => isMore).join(', ')},
        -- All that there is, or as much as was asked for.
        i.is_plain AND v.bound < s.lowest_seq AND (v.bound < s.first_seq - 1 OR v.bound = (v.h).min_seq - 1) AS "isShared"
      FROM viewer v, sight i, known k, shown s`,
  }, values)
  if (!row) return undefined
  if (row.shared === null && known) {
    const { firstSeq, lastSeq, json } = known
    return { firstSeq, lastSeq, older: firstSeq > row.bound + 1, newer: false, deliveredSeq: row.deliveredSeq, page: new SharedJson(json, row.own), newest: known }
  }
  const json = new SharedText(row.shared ?? '')
  const { firstSeq, lastSeq, lowestSeq, deliveredSeq, older = false, newer = false, revision: of, senders: people } = row
  return { firstSeq, lastSeq, older, newer, deliveredSeq, page: new SharedJson(json, row.own), newest: row.isShared ? { revision: of, firstSeq, lastSeq, lowestSeq, senders: people, json } : undefined }
}
