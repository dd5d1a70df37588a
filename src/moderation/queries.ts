import type { Static } from 'typebox'
import type { MessageKey } from '../messages/message-id.ts'
import type { Queryable } from '../plugins/database.ts'
import type { AdminReport, Ban, ListReports, Report, Resolution, ReportView } from './schemas.ts'

/** Of `r`. */
const forReporter = 'r.id, r.chat_id AS "chatId", concat(r.chat_id, \'.\', r.seq) AS "messageId", r.reason, r.status, chat.rfc3339(r.created_at) AS "createdAt"'
const forAdmin = `${forReporter}, r.sender_id AS "senderId", r.reporter_id AS "reporterId", r.message, r.resolution, r.note, r.resolved_by_id AS "resolvedById",
  chat.rfc3339(r.resolved_at) AS "resolvedAt"`

export interface NewReport { id: string, reporterId: string, reason: string }

/** Takes the message over as it is at this moment, if the reporter sees it. @returns undefined: they have reported it before, or it has gone */
export async function insertReport (db: Queryable, { chatId, seq }: MessageKey, { id, reporterId, reason }: NewReport): Promise<Static<typeof Report> | undefined> {
  const [row] = await db.query<Static<typeof Report>>({
    name: 'moderation.insertReport',
    text: `INSERT INTO chat.message_report AS r (id, chat_id, seq, sender_id, reporter_id, reason, message, created_at)
           SELECT $4::uuid, m.chat_id, m.seq, m.sender_id, $3, $5, chat.message_json(m), clock_timestamp()
           FROM chat.viewer($1, $3) v JOIN chat.chat_message m ON m.chat_id = $1 AND m.seq = $2
           WHERE m.seq > v.bound AND m.sender_id IS NOT NULL AND m.deleted_at IS NULL
           ON CONFLICT (chat_id, seq, reporter_id) DO NOTHING
           RETURNING ${forReporter}`,
  }, [chatId, seq, reporterId, id, reason])
  return row
}

export async function reportBy (db: Queryable, { chatId, seq }: MessageKey, reporterId: string): Promise<Static<typeof Report> | undefined> {
  const [row] = await db.query<Static<typeof Report>>({
    name: 'moderation.reportBy', text: `SELECT ${forReporter} FROM chat.message_report r WHERE r.chat_id = $1 AND r.seq = $2 AND r.reporter_id = $3`,
  }, [chatId, seq, reporterId])
  return row
}

/** Where a page of reports ends. */
export interface ReportCursor { createdAt: string, id: string }

/** Oldest first. */
export async function listReports (db: Queryable, { status, chatId, senderId, limit }: ListReports & { limit: number }, cursor: ReportCursor | undefined): Promise<AdminReport[]> {
  return db.query<AdminReport>({
    name: 'moderation.listReports',
    text: `SELECT ${forAdmin} FROM chat.message_report r
           WHERE ($1::chat.report_status IS NULL OR r.status = $1) AND ($2::uuid IS NULL OR r.chat_id = $2) AND ($3::text IS NULL OR r.sender_id = $3)
             AND ($4::timestamptz IS NULL OR (r.created_at, r.id) > ($4, $5::uuid))
           ORDER BY r.created_at, r.id LIMIT $6`,
  }, [status ?? null, chatId ?? null, senderId ?? null, cursor?.createdAt ?? null, cursor?.id ?? null, limit])
}

export async function findReport (db: Queryable, reportId: string): Promise<AdminReport | undefined> {
  const [row] = await db.query<AdminReport>({ name: 'moderation.findReport', text: `SELECT ${forAdmin} FROM chat.message_report r WHERE r.id = $1` }, [reportId])
  return row
}

export async function earlierReports (db: Queryable, { senderId, createdAt, id }: AdminReport, limit: number): Promise<AdminReport[]> {
  return db.query<AdminReport>({
    name: 'moderation.earlierReports',
    text: `SELECT ${forAdmin} FROM chat.message_report r WHERE r.sender_id = $1 AND (r.created_at, r.id) < ($2::timestamptz, $3::uuid)
           ORDER BY r.created_at DESC, r.id DESC LIMIT $4`,
  }, [senderId, createdAt, id, limit])
}

type Context = Pick<Static<typeof ReportView>, 'chat' | 'current' | 'context' | 'participants'>

/** Where the message stands, as nobody in particular sees it; also in a chat that has been deleted, as long as its rows are there. */
export async function contextOf (db: Queryable, { chatId, seq }: MessageKey, senderId: string, { before, after, participants }: { before: number, after: number, participants: number }): Promise<Context> {
  const [row] = await db.query<Context>({
    name: 'moderation.contextOf',
    text: `SELECT (SELECT chat.chat_json(c) FROM chat.chat_session c WHERE c.id = $1) AS chat,
             (SELECT chat.message_json(m) FROM chat.chat_message m WHERE m.chat_id = $1 AND m.seq = $2) AS current,
             (SELECT coalesce(json_agg(chat.message_json(around.m) ORDER BY (around.m).seq), '[]'::json) FROM (
               (SELECT m FROM chat.chat_message m WHERE m.chat_id = $1 AND m.seq < $2 ORDER BY m.seq DESC LIMIT $4)
               UNION ALL (SELECT m FROM chat.chat_message m WHERE m.chat_id = $1 AND m.seq >= $2 ORDER BY m.seq LIMIT $5)) around) AS context,
             (SELECT coalesce(json_agg(chat.participant_json(p)), '[]'::json) FROM chat.first_participants($1, $3, $6) p) AS participants`,
  }, [chatId, seq, senderId, before, after + 1, participants])
  return row ?? { chat: null, current: null, context: [], participants: [] }
}

export interface Settlement { resolution: Resolution, note: string | null, resolvedById: string | null }

/** @returns undefined: it is not open (any more) */
export async function settleReport (db: Queryable, reportId: string, { resolution, note, resolvedById }: Settlement): Promise<AdminReport | undefined> {
  const [row] = await db.query<AdminReport>({
    name: 'moderation.settleReport',
    text: `UPDATE chat.message_report AS r SET status = 'RESOLVED', resolution = $2::chat.report_resolution, note = $3, resolved_by_id = $4, resolved_at = clock_timestamp()
           WHERE r.id = $1 AND r.status = 'OPEN' RETURNING ${forAdmin}`,
  }, [reportId, resolution, note, resolvedById])
  return row
}

export interface Deletable { senderId: string | null, deleted: boolean, threadRootSeq: number | null }

/** Under the chat's lock. undefined: the message has gone. */
export async function deletable (db: Queryable, { chatId, seq }: MessageKey): Promise<Deletable | undefined> {
  const [row] = await db.query<Deletable>({
    name: 'moderation.deletable',
    text: `SELECT m.sender_id AS "senderId", m.deleted_at IS NOT NULL AS deleted,
             (SELECT r.seq FROM chat.chat_message r WHERE r.chat_id = $1 AND r.seq = m.thread_root_seq) AS "threadRootSeq"
           FROM chat.chat_message m WHERE m.chat_id = $1 AND m.seq = $2`,
  }, [chatId, seq])
  return row
}

/** Of a user who is there. null: they are banned no longer. */
export async function setBan (db: Queryable, userId: string, until: string | null, reason: string | null): Promise<Ban & { isBanned: boolean } | undefined> {
  const [row] = await db.query<Ban & { isBanned: boolean }>({
    name: 'moderation.setBan',
    text: `UPDATE chat.chat_user AS u SET banned_until = $2::timestamptz, ban_reason = $3 WHERE u.id = $1
           RETURNING u.id AS "userId", chat.rfc3339(u.banned_until) AS "bannedUntil", u.ban_reason AS reason, coalesce(u.banned_until > clock_timestamp(), false) AS "isBanned"`,
  }, [userId, until, reason])
  return row
}

/** The copies of messages in reports that were resolved longer ago. @returns how many */
export async function blankReports (db: Queryable, days: number, limit: number): Promise<number> {
  const [row] = await db.query<{ blanked: number }>({
    name: 'moderation.blankReports',
    text: `WITH old AS MATERIALIZED (
             SELECT r.id FROM chat.message_report r WHERE r.status = 'RESOLVED' AND r.message IS NOT NULL AND r.resolved_at < clock_timestamp() - make_interval(secs => $1 * 86400)
             ORDER BY r.resolved_at LIMIT $2),
           blanked AS (UPDATE chat.message_report r SET message = NULL FROM old WHERE r.id = old.id RETURNING r.id)
           SELECT count(*)::integer AS blanked FROM blanked`,
  }, [days, limit])
  return row?.blanked ?? 0
}
