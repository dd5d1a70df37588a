import { ApiError } from '../errors.ts'
import { SharedText } from '../json.ts'
import type { Queryable } from '../plugins/database.ts'
import type { InboxUpdate, Synced } from './schemas.ts'

/** What has changed for one of several users. */
export interface ChangesOf {
  userId: string
  /** JSON of `Changes` in two parts; who sees the same has the very same `rows`. */
  rows: SharedText
  own: string
  upTo: number
  hasMore: boolean
}

interface ChangesRow { userId: string | null, rows: string | null, own: string | null, upTo: number | null, hasMore: boolean | null, ahead: boolean }

/**
 * What has changed in a chat since a revision, as each of the users may see it, from one snapshot. What most of them see alike
 * is made once. @returns for those who are in the chat; 'ahead': the cursor is from another history of the database
 */
export async function changesFor (db: Queryable, chatId: string, userIds: string[], since: number, limit: number): Promise<Map<string, ChangesOf | 'ahead'>> {
  const found = await db.query<ChangesRow>({
    name: 'sync.changesFor',
    text: 'SELECT c.user_id AS "userId", c.rows::text AS rows, c.own::text AS own, c.up_to AS "upTo", c.has_more AS "hasMore", c.ahead FROM chat.changes($1, $2, $3, $4) c',
  }, [chatId, userIds, since, limit])
  const partOf = (rows: string | null | undefined) => new SharedText(`${rows?.slice(0, -1)},`)
  const shared = partOf(found.find(({ userId }) => userId === null)?.rows)
  return new Map(found.flatMap(({ userId, rows, own, upTo, hasMore, ahead }): [string, ChangesOf | 'ahead'][] => userId === null
    ? []
    : [[userId, ahead ? 'ahead' : { userId, rows: rows === null ? shared : partOf(rows), own: own?.slice(1) ?? '', upTo: upTo ?? 0, hasMore: hasMore ?? false }]]))
}

type SyncPage = Omit<Synced, 'epoch' | 'reset' | 'nextCursor' | 'blocks' | 'user' | 'invitations'> & {
  ahead?: true
  blocks: string[] | null
  user: Synced['user'] | null
  invitations: Synced['invitations'] | null
  /** The last chat of the page, if there may be more. */
  after: string | null
}

export async function syncPage (db: Queryable, userId: string, since: number, after: string | null, limit: number): Promise<SyncPage> {
  const [row] = await db.query<{ page: SyncPage }>({ name: 'sync.syncPage', text: 'SELECT chat.sync($1, $2, $3, $4) AS page' }, [userId, since, after, limit])
  if (!row) throw new Error('chat.sync has answered nothing')
  return row.page
}

/** As PostgreSQL says it: null is what has not changed. */
export type InboxRow = Omit<InboxUpdate, 'blocks' | 'user'> & { blocks: string[] | null, user: InboxUpdate['user'] | null }

export async function inboxSince (db: Queryable, userId: string, since: number): Promise<InboxUpdate> {
  const [row] = await db.query<{ update: InboxRow }>({
    name: 'sync.inboxSince', text: 'SELECT chat.inbox_since($1, $2) AS update',
  }, [userId, since])
  if (!row) throw new Error('chat.inbox_since has answered nothing')
  const { blocks, user, ...update } = row.update
  return { ...update, ...(blocks && { blocks }), ...(user && { user }) }
}

export interface LoadedUserRow { inboxRevision: number, blocks: string[], chats: { chatId: string, bound: number, lastRevision: number, memberCount: number }[] }

/** Everything that a user follows. A STREAM is followed only by who looks at it. */
export async function loadUser (db: Queryable, userId: string): Promise<LoadedUserRow> {
  const [row] = await db.query<LoadedUserRow>({
    name: 'sync.loadUser',
    text: `SELECT coalesce((SELECT i.inbox_revision FROM chat.user_inbox i WHERE i.user_id = $1), 0) AS "inboxRevision", chat.blocked_by($1) AS blocks,
             coalesce((
               SELECT json_agg(json_build_object('chatId', h.chat_id, 'bound', chat.bound(h, p), 'lastRevision', h.last_revision, 'memberCount', h.member_count))
               FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id JOIN chat.chat_head h ON h.chat_id = p.chat_id
               WHERE p.user_id = $1 AND p.state = 'JOINED' AND c.deleted_at IS NULL AND c.type <> 'STREAM'), '[]'::json) AS chats`,
  }, [userId])
  return row ?? { inboxRevision: 0, blocks: [], chats: [] }
}

export async function heads (db: Queryable, chatIds: string[]): Promise<{ chatId: string, lastRevision: number, memberCount: number }[]> {
  return db.query({
    name: 'sync.heads',
    text: `SELECT h.chat_id AS "chatId", h.last_revision AS "lastRevision", h.member_count AS "memberCount"
           FROM chat.chat_head h JOIN chat.chat_session c ON c.id = h.chat_id WHERE h.chat_id = ANY ($1::uuid[]) AND c.deleted_at IS NULL`,
  }, [chatIds])
}

export async function inboxes (db: Queryable, userIds: string[]): Promise<{ userId: string, inboxRevision: number, banned: boolean, tokensValidFrom: Date | null }[]> {
  return db.query({
    name: 'sync.inboxes',
    text: `SELECT i.user_id AS "userId", i.inbox_revision AS "inboxRevision", coalesce(u.banned_until > now(), false) AS banned, u.tokens_valid_from AS "tokensValidFrom"
           FROM chat.user_inbox i JOIN chat.chat_user u ON u.id = i.user_id WHERE i.user_id = ANY ($1::text[])`,
  }, [userIds])
}

/**
 * A restore by dump carries `meta.epoch` along (and has to renew it); another cluster or a promotion shows in the rest.
 * @throws {ApiError} DATABASE_UNAVAILABLE if this is a standby: it will be promoted, or somebody else is
 */
export async function readEpoch (db: Queryable): Promise<string> {
  const [row] = await db.query<{ epoch: string | null }>({
    name: 'sync.readEpoch',
    text: `SELECT CASE WHEN NOT pg_is_in_recovery() THEN
             encode(sha256(convert_to(concat_ws(':', m.epoch, s.system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)), 'UTF8')), 'hex') END AS epoch
           FROM chat.meta m, pg_control_system() s`,
  }, [])
  if (!row) throw new Error('chat.meta has no row')
  if (row.epoch === null) throw new ApiError('DATABASE_UNAVAILABLE')
  return row.epoch.slice(0, 32)
}
