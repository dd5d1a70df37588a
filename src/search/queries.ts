import type { Queryable } from '../plugins/database.ts'
import type { MessageKey } from '../messages/message-id.ts'
import type { Probe } from './grams.ts'

/** A chat that is to be searched, and in which stretch: low <= seq < below. */
export interface Stretch {
  chatId: string
  low: number
  below: number
  /** Milliseconds. No message of the stretch is newer. */
  newestAt: number
}

export interface ScopeOptions {
  /** One chat, or all that the user is in. */
  chatId: string | undefined
  from: string | undefined
  to: string | undefined
  /** What sorts before this hit is on an earlier page. */
  after: Position | undefined
}

/** Newest first; of the same millisecond, by chat. */
export interface Position { at: number, chatId: string, seq: number }

export interface Scope { stretches: Stretch[], blocked: string[] }

/** What of which chats the user may see; undefined: they are not in the chat. */
export async function searchScope (db: Queryable, userId: string, { chatId, from, to, after }: ScopeOptions): Promise<Scope | undefined> {
  const rows = await db.query<Stretch & { blocked: string[] }>({
    name: chatId === undefined ? 'search.scope' : 'search.scopeOfChat',
    text: `SELECT s."chatId", s.low, s.below, s.blocked, (extract(epoch FROM s.last_message_at) * 1000)::float8 AS "newestAt" FROM (
             SELECT (v.c).id AS "chatId", (v.h).last_message_at, v.blocked,
               greatest(v.bound + 1, CASE WHEN $3::timestamptz IS NOT NULL THEN chat.seq_at((v.c).id, (v.h).last_seq, $3) END) AS low,
               least((v.h).last_seq + 1, CASE WHEN $4::timestamptz IS NOT NULL THEN chat.seq_at((v.c).id, (v.h).last_seq, $4) END,
                 CASE WHEN $5::timestamptz IS NULL THEN NULL
                   WHEN (v.c).id = $6::uuid THEN $7::integer
                   ELSE chat.seq_at((v.c).id, (v.h).last_seq, $5, (v.c).id > $6::uuid) END) AS below
             FROM ${chatId === undefined
               ? "chat.chat_participant mine CROSS JOIN LATERAL chat.viewer(mine.chat_id, $1) v WHERE mine.user_id = $1 AND mine.state = 'JOINED' AND $2::uuid IS NULL"
               : 'chat.viewer($2, $1) v'}) s`,
  }, [userId, chatId ?? null, from ?? null, to ?? null, after ? new Date(after.at).toISOString() : null, after?.chatId ?? null, after?.seq ?? null])
  if (chatId !== undefined && rows.length === 0) return undefined
  return { blocked: rows[0]?.blocked ?? [], stretches: rows.filter(({ low, below }) => low < below).map(({ blocked, ...stretch }) => stretch) }
}

export interface Scan {
  userId: string
  blocked: string[]
  terms: string[]
  probes: Probe[]
  /** undefined: all. */
  types: readonly string[] | undefined
  senderId: string | undefined
  isRanked: boolean
  /** As many hits are enough of one chat. */
  limit: number
}

/** A hit; or, without a score, what is left of the chat: below this seq, where the newest message is of `at` (null: nothing). */
export interface ScanRow { chatId: string, seq: number, at: number | null, score: number | null }

/** `froms`: how far down each stretch is looked at this time. */
export async function scan (db: Queryable, { userId, blocked, terms, probes, types, senderId, isRanked, limit }: Scan, stretches: Stretch[], froms: number[]): Promise<ScanRow[]> {
  return db.query<ScanRow>({
    name: 'search.scan',
    text: `SELECT s.chat_id AS "chatId", s.seq, (extract(epoch FROM s.created_at) * 1000)::float8 AS at, s.score
           FROM chat.search_scan($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::chat.message_type[], $11, $12, $13) s`,
  }, [
    userId, blocked, stretches.map(({ chatId }) => chatId), stretches.map(({ low }) => low), froms, stretches.map(({ below }) => below), terms.map(term => `%${term}%`),
    probes.flatMap(({ bits }) => bits), probes.map(({ part }) => part), types ?? null, senderId ?? null, isRanked ? terms.map(term => term.trim()) : null, limit,
  ])
}

export interface Found { message: string, content: string, senderId: string | null }

/** The messages, in this order, as far as the user may see them at this moment, and their senders. */
export async function loadFound (db: Queryable, userId: string, keys: MessageKey[]): Promise<{ found: Found[], users: string }> {
  const found = await db.query<Found>({
    name: 'search.loadFound',
    text: `SELECT chat.message_json(m)::text AS message, m.content, m.sender_id AS "senderId"
           FROM unnest($2::uuid[], $3::integer[]) WITH ORDINALITY AS k (chat_id, seq, rank)
           CROSS JOIN LATERAL chat.viewer(k.chat_id, $1) v
           JOIN chat.chat_message m ON m.chat_id = k.chat_id AND m.seq = k.seq
           WHERE m.seq > v.bound AND chat.is_found(m, $1, v.blocked, NULL, NULL)
           ORDER BY k.rank`,
  }, [userId, keys.map(({ chatId }) => chatId), keys.map(({ seq }) => seq)])
  const [row] = await db.query<{ users: string }>({ name: 'search.users', text: 'SELECT chat.users_json($1)::text AS users' }, [[...new Set(found.map(({ senderId }) => senderId))]])
  return { found, users: row?.users ?? '{}' }
}

/** Of a message that has just been written in this transaction. Without it the process would do so a moment later. */
export async function writeKeys (db: Queryable, { chatId, seq }: MessageKey, folded: string): Promise<void> {
  await db.query({ name: 'search.writeKeys', text: 'UPDATE chat.message_search SET keys = $3 WHERE chat_id = $1 AND seq = $2' }, [chatId, seq, folded])
}

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

/** The newest full blocks that have no filter yet. */
export async function unfiltered (db: Queryable, chatId: string, limit: number): Promise<number[]> {
  const rows = await db.query<{ number: number }>({
    name: 'search.unfiltered',
    text: `SELECT b.number FROM chat.chat_head h CROSS JOIN LATERAL generate_series((h.last_seq >> 7) - 1, (h.min_seq - 1) >> 7, -1) AS b (number)
           WHERE h.chat_id = $1 AND NOT EXISTS (SELECT FROM chat.search_filter f WHERE f.chat_id = $1 AND f.level = 0 AND f.number = b.number AND f.part = 0)
           ORDER BY b.number DESC LIMIT $2`,
  }, [chatId, limit])
  return rows.map(({ number }) => number)
}

/** The 32 blocks that all have their filters, and none above them yet. */
export async function unfilteredAbove (db: Queryable, chatId: string): Promise<number[]> {
  const rows = await db.query<{ number: number }>({
    name: 'search.unfilteredAbove',
    text: `SELECT b.number FROM chat.chat_head h CROSS JOIN LATERAL generate_series((h.last_seq >> 12) - 1, (h.min_seq - 1) >> 12, -1) AS b (number)
           WHERE h.chat_id = $1 AND NOT EXISTS (SELECT FROM chat.search_filter f WHERE f.chat_id = $1 AND f.level = 1 AND f.number = b.number AND f.part = 0)
             AND 32 = (SELECT count(*) FROM chat.search_filter f WHERE f.chat_id = $1 AND f.level = 0 AND f.number BETWEEN b.number * 32 AND b.number * 32 + 31)
           ORDER BY b.number DESC`,
  }, [chatId])
  return rows.map(({ number }) => number)
}

export interface BlockRow { seq: number, revision: number, keys: string | null, loose: boolean, senderId: string | null, type: string }

/** What can be searched of a block. */
export async function blockRows (db: Queryable, chatId: string, block: number): Promise<BlockRow[]> {
  return db.query<BlockRow>({
    name: 'search.blockRows',
    text: `SELECT s.seq, s.revision, s.keys, s.loose, m.sender_id AS "senderId", m.type FROM chat.message_search s JOIN chat.chat_message m ON m.chat_id = s.chat_id AND m.seq = s.seq
           WHERE s.chat_id = $1 AND s.seq > $2::integer * 128 AND s.seq <= $2::integer * 128 + 128`,
  }, [chatId, block])
}

/** @returns whether it was not there yet */
export async function insertFilter (db: Queryable, chatId: string, level: 0 | 1, number: number, parts: (Buffer | null)[]): Promise<boolean> {
  const rows = await db.query({
    name: 'search.insertFilter',
    text: `INSERT INTO chat.search_filter (chat_id, level, number, part, bits) SELECT $1, $2, $3, p.part - 1, p.bits FROM unnest($4::bytea[]) WITH ORDINALITY AS p (bits, part)
           ON CONFLICT DO NOTHING RETURNING part`,
  }, [chatId, level, number, parts])
  return rows.length > 0
}

/** A filter knows these rows now, if they are still what it was made of. */
export async function settleRows (db: Queryable, chatId: string, rows: BlockRow[]): Promise<void> {
  await db.query({
    name: 'search.settleRows',
    text: `UPDATE chat.message_search s SET loose = false FROM unnest($2::integer[], $3::integer[]) AS k (seq, revision)
           WHERE s.chat_id = $1 AND s.seq = k.seq AND s.revision = k.revision AND s.loose AND s.keys IS NOT NULL`,
  }, [chatId, rows.map(({ seq }) => seq), rows.map(({ revision }) => revision)])
}
