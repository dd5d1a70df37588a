import type { Queryable } from '../plugins/database.ts'
import { rangeOf, type Segment } from './segments.ts'

export interface Pending { chatId: string, seq: number, revision: number, content: string }

/** Messages that have no keys yet. */
export async function listPending (db: Queryable, limit: number): Promise<Pending[]> {
  return db.query<Pending>({
    name: 'search.listPending',
    text: `SELECT s.chat_id AS "chatId", s.seq, s.revision, m.content
           FROM (SELECT p.chat_id, p.seq, p.revision FROM chat.message_search p WHERE p.keys IS NULL ORDER BY p.chat_id, p.seq LIMIT $1) s
           JOIN chat.chat_message m ON m.chat_id = s.chat_id AND m.seq = s.seq
           WHERE m.content IS NOT NULL`,
  }, [limit])
}

/** The keys of those whose text is still the same: a change of it has taken another revision. */
export async function fillKeys (db: Queryable, rows: (Omit<Pending, 'content'> & { keys: string })[]): Promise<void> {
  await db.query({
    name: 'search.fillKeys',
    text: `UPDATE chat.message_search s SET keys = f.keys FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::text[]) AS f (chat_id, seq, revision, keys)
           WHERE s.chat_id = f.chat_id AND s.seq = f.seq AND s.revision = f.revision AND s.keys IS NULL`,
  }, [rows.map(({ chatId }) => chatId), rows.map(({ seq }) => seq), rows.map(({ revision }) => revision), rows.map(({ keys }) => keys)])
}

/** Chats with full blocks that are not indexed, in the order of their ids. */
export async function listBehind (db: Queryable, after: string, limit: number): Promise<string[]> {
  const rows = await db.query<{ chatId: string }>({
    name: 'search.listBehind',
    text: `SELECT h.chat_id AS "chatId" FROM chat.chat_head h LEFT JOIN chat.search_progress p ON p.chat_id = h.chat_id
           WHERE h.chat_id > $1 AND h.last_seq >> 7 > greatest(coalesce(p.indexed, 0), h.min_seq - 1) >> 7 ORDER BY h.chat_id LIMIT $2`,
  }, [after, limit])
  return rows.map(({ chatId }) => chatId)
}

export interface Progress { indexed: number, version: number, lastSeq: number, minSeq: number }

/** undefined: there is no such chat. */
export async function loadProgress (db: Queryable, chatId: string): Promise<Progress | undefined> {
  const [row] = await db.query<Progress>({
    name: 'search.loadProgress',
    text: `SELECT coalesce(p.indexed, 0) AS indexed, coalesce(p.version, 0) AS version, h.last_seq AS "lastSeq", h.min_seq AS "minSeq" FROM chat.chat_head h LEFT JOIN chat.search_progress p ON p.chat_id = h.chat_id
           WHERE h.chat_id = $1`,
  }, [chatId])
  return row
}

export interface IndexRow { seq: number, revision: number, keys: string | null, loose: boolean, senderId: string | null, type: string }

/** What can be searched between two seqs (the second one not included). */
export async function loadRows (db: Queryable, chatId: string, from: number, to: number): Promise<IndexRow[]> {
  return db.query<IndexRow>({
    name: 'search.loadRows',
    text: `SELECT s.seq, s.revision, s.keys, s.loose, m.sender_id AS "senderId", m.type FROM chat.message_search s JOIN chat.chat_message m ON m.chat_id = s.chat_id AND m.seq = s.seq
           WHERE s.chat_id = $1 AND s.seq >= $2 AND s.seq < $3 ORDER BY s.seq`,
  }, [chatId, from, to])
}

/** Indexed messages that have changed since, as many as are asked for. */
export async function looseSeqs (db: Queryable, chatId: string, indexed: number, limit: number): Promise<number[]> {
  const rows = await db.query<{ seq: number }>({
    name: 'search.looseSeqs',
    text: 'SELECT s.seq FROM chat.message_search s WHERE s.chat_id = $1 AND s.loose AND s.seq <= $2 LIMIT $3',
  }, [chatId, indexed, limit])
  return rows.map(({ seq }) => seq)
}

export interface NewSegment extends Segment {
  chatId: string
  parts: { part: number, postings: string }[]
  /** Rows that were loose when they were read: the segment knows them. */
  settled: IndexRow[]
}

/** In the place of the smaller ones, or of itself. @returns false: somebody else has got on with this chat meanwhile, or it is gone */
export async function storeSegment (db: Queryable, { chatId, parts, settled, ...segment }: NewSegment, { indexed, version }: Progress): Promise<boolean> {
  const [row] = await db.query<{ stored: boolean }>({
    name: 'search.storeSegment',
    text: 'SELECT chat.store_search_segment($1, $2, $3, $4, $5, $6, $7, $8, $9) AS stored',
  }, [
    chatId, segment.level, segment.number, version, Math.max(indexed, rangeOf(segment)[1] - 1), parts.map(({ part }) => part), parts.map(({ postings }) => postings),
    settled.map(({ seq }) => seq), settled.map(({ revision }) => revision),
  ])
  return row?.stored === true
}
