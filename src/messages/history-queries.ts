import { EncodedJson } from '../json.ts'
import type { Queryable } from '../plugins/database.ts'
import type { PageEnds, PageRange } from './range.ts'
import type { History } from './schemas.ts'

export type HistoryFilter = Pick<History, 'type' | 'senderId' | 'from' | 'to' | 'hasAttachment'>

export interface HistoryRows extends PageEnds { page: EncodedJson, count: number, deliveredSeq: number }

/** The types that come with attachments. */
export const MEDIA = ['IMAGE', 'VIDEO', 'AUDIO', 'VOICE', 'FILE'] as const

/** The types that a filter leaves, where these are named; [] if it contradicts itself. */
export function typesOf ({ type, hasAttachment }: Pick<HistoryFilter, 'type' | 'hasAttachment'>): readonly string[] | undefined {
  if (type === undefined) return hasAttachment ? MEDIA : undefined
  const isMedia = MEDIA.some(each => each === type)
  return hasAttachment === undefined || hasAttachment === isMedia ? [type] : []
}

/**
 * Older than `before` and newer than `after`, ascending; undefined for who is not in the chat. Each form of the filter is a
 * statement of its own, so that it walks an index that has its rows in order: by sender, by type (but TEXT, which most are),
 * else by seq alone. Times are turned into seqs first.
 */
export async function listMessages (db: Queryable, chatId: string, userId: string, range: PageRange, filter: HistoryFilter): Promise<HistoryRows | undefined> {
  const types = typesOf(filter)
  const bySender = filter.senderId !== undefined
  const byType = types !== undefined && types[0] !== 'TEXT'
  const values: unknown[] = [chatId, userId, range.before, range.olderLimit, range.after, range.newerLimit, filter.from ?? null, filter.to ?? null]
  const parameter = (value: unknown) => `$${values.push(value)}`
  const conditions = [
    ...(bySender ? [`m.sender_id = ${parameter(filter.senderId)}`] : []),
    ...(types ? [byType ? "m.type = wanted.type AND m.type <> 'TEXT'" : "m.type = 'TEXT'"] : []),
    ...(!types && filter.hasAttachment === false ? [`m.type NOT IN (${MEDIA.map(type => `'${type}'`).join()})`] : []),
  ]
  const walk = (condition: string, order: string, limit: string) => `
    SELECT m FROM chat.chat_message m
    WHERE m.chat_id = $1 AND m.seq > (SELECT v.low FROM bounds v) AND m.seq < (SELECT v.high FROM bounds v) AND m.seq ${condition}
      AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = $1 AND x.user_id = $2 AND x.seq = m.seq)${conditions.map(each => ` AND ${each}`).join('')}
    ORDER BY m.seq ${order} LIMIT ${limit}`
  const wanted = byType ? `unnest(${parameter(types)}::chat.message_type[]) AS wanted (type)` : ''
  const half = (condition: string, order: string, limit: string) => byType
    ? `SELECT found.m FROM ${wanted} CROSS JOIN LATERAL (${walk(condition, order, limit)}) found ORDER BY (found.m).seq ${order} LIMIT ${limit}`
    : walk(condition, order, limit)
  const [row] = await db.query<Omit<HistoryRows, 'page'> & { page: string }>({
    name: `messages.listMessages${bySender ? '.sender' : ''}${byType ? '.type' : types ? '.text' : ''}${!types && filter.hasAttachment === false ? '.plain' : ''}`,
    text: `WITH viewer AS MATERIALIZED (SELECT * FROM chat.viewer($1, $2)),
      bounds AS MATERIALIZED (
        SELECT greatest(v.bound, chat.first_seq_since(v.h, $7::timestamptz) - 1) AS low, coalesce(chat.first_seq_since(v.h, $8::timestamptz), 2147483647) AS high FROM viewer v),
      older AS MATERIALIZED (${half('< $3', 'DESC', '$4 + 1')}),
      newer AS MATERIALIZED (${half('> $5', 'ASC', '$6 + 1')}),
      page AS MATERIALIZED (
        (SELECT o.m FROM older o ORDER BY (o.m).seq DESC LIMIT $4) UNION ALL (SELECT n.m FROM newer n ORDER BY (n.m).seq LIMIT $6)),
      shown AS (
        SELECT coalesce(json_agg(chat.message_json_for(page.m, v.blocked) ORDER BY (page.m).seq), '[]'::json) AS data,
          array_agg((page.m).reply_to_seq) || array_agg((page.m).thread_root_seq) AS linked, array_agg(DISTINCT (page.m).sender_id) AS senders,
          count(*)::integer AS count, coalesce(min((page.m).seq), 0) AS first_seq, coalesce(max((page.m).seq), 0) AS last_seq
        FROM page, viewer v)
      SELECT json_build_object('data', s.data, 'related', chat.related_json($1, s.linked, $2, v.bound, v.blocked),
          'users', chat.users_json(s.senders), 'watermarks', chat.watermarks_json(v.h, $2))::text AS page,
        (v.p).delivered_seq AS "deliveredSeq", s.count, s.first_seq AS "firstSeq", s.last_seq AS "lastSeq",
        (SELECT count(*) FROM older) > $4 AS older, (SELECT count(*) FROM newer) > $6 AS newer
      FROM viewer v, shown s`,
  }, values)
  return row && { ...row, page: new EncodedJson(row.page) }
}
