import type { Queryable } from '../plugins/database.ts'
import type { Identity } from '../plugins/auth.ts'
import type { Me, UpdateMe, User } from './schemas.ts'

export interface MirroredUser {
  banned: boolean
  tokensValidFrom: Date | null
  /** The token says something else of them than we have. */
  differs: boolean
}

/** Makes the user whom a token names, if they are new, and looks at how they stand. */
export async function mirrorUser (db: Queryable, { userId, displayName, avatarUrl }: Identity): Promise<MirroredUser> {
  const [user] = await db.query<MirroredUser>({
    name: 'users.mirrorUser',
    text: `WITH mirrored AS (
             INSERT INTO chat.chat_user (id, display_name, avatar_url) SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM chat.chat_user x WHERE x.id = $1)
             ON CONFLICT DO NOTHING RETURNING id)
           SELECT coalesce(u.banned_until > now(), false) AS banned, u.tokens_valid_from AS "tokensValidFrom",
             u.id IS NOT NULL AND (coalesce($2, u.display_name), coalesce($3, u.avatar_url)) IS DISTINCT FROM (u.display_name, u.avatar_url) AS differs
           FROM (SELECT count(*) FROM mirrored) AS done LEFT JOIN chat.chat_user u ON u.id = $1`,
  }, [userId, displayName, avatarUrl])
  return user ?? { banned: false, tokensValidFrom: null, differs: false }
}

export async function getMe (db: Queryable, userId: string): Promise<Me | undefined> {
  const [row] = await db.query<{ me: Me }>({ name: 'users.getMe', text: 'SELECT chat.me_json(u) AS me FROM chat.chat_user u WHERE u.id = $1' }, [userId])
  return row?.me
}

/** What a user says of themselves, and what the application alone does. */
export type UserChange = UpdateMe & { metadata?: Record<string, unknown> }

export interface ChangedUser { user: User, profileChanged: boolean }

/** What is undefined stays as it is. Call it under the lock of the user's inbox. @returns undefined: nothing was to be changed */
export async function updateUser (db: Queryable, userId: string, { displayName, avatarUrl, settings, metadata }: UserChange): Promise<ChangedUser | undefined> {
  const [row] = await db.query<ChangedUser>({
    name: 'users.updateUser',
    text: `UPDATE chat.chat_user AS u SET display_name = CASE WHEN $2 THEN $3 ELSE u.display_name END, avatar_url = CASE WHEN $4 THEN $5 ELSE u.avatar_url END,
             settings = u.settings || $6::jsonb, metadata = coalesce($7::jsonb, u.metadata)
           FROM chat.chat_user old
           WHERE u.id = $1 AND old.id = u.id AND (($2 AND u.display_name IS DISTINCT FROM $3) OR ($4 AND u.avatar_url IS DISTINCT FROM $5)
             OR chat.user_settings(u.settings || $6::jsonb) <> chat.user_settings(u.settings) OR $7::jsonb <> u.metadata)
           RETURNING chat.user_json(u) AS user, (u.display_name, u.avatar_url) IS DISTINCT FROM (old.display_name, old.avatar_url) AS "profileChanged"`,
  }, [userId, displayName !== undefined, displayName ?? null, avatarUrl !== undefined, avatarUrl ?? null, JSON.stringify(settings ?? {}), metadata ? JSON.stringify(metadata) : null])
  return row
}

export async function markUserChanged (db: Queryable, userId: string, inboxRevision: number): Promise<void> {
  await db.query({ name: 'users.markUserChanged', text: 'UPDATE chat.user_inbox SET user_revision = $2 WHERE user_id = $1' }, [userId, inboxRevision])
}

/** Who is told when the user is called something else. */
export async function acquaintances (db: Queryable, userId: string): Promise<string[]> {
  const rows = await db.query<{ userId: string }>({ name: 'users.acquaintances', text: 'SELECT a.user_id AS "userId" FROM chat.acquaintances($1) a ORDER BY 1' }, [userId])
  return rows.map(row => row.userId)
}

/** Bare rows for those who are addressed before they have ever connected. */
export async function insertUnknownUsers (db: Queryable, userIds: string[]): Promise<void> {
  await db.query({
    name: 'users.insertUnknownUsers',
    text: 'INSERT INTO chat.chat_user (id) SELECT id FROM unnest($1::text[]) AS id ORDER BY id COLLATE "C" ON CONFLICT DO NOTHING',
  }, [userIds])
}

export async function countUsers (db: Queryable, userIds: string[]): Promise<number> {
  const [row] = await db.query<{ count: number }>({
    name: 'users.countUsers', text: 'SELECT count(*)::integer AS count FROM chat.chat_user WHERE id = ANY ($1::text[])',
  }, [userIds])
  return row?.count ?? 0
}

/** The users among these whom the viewer may see: themselves, and those with whom they share a chat. */
export async function visibleUsers (db: Queryable, viewerId: string, userIds: string[]): Promise<User[]> {
  const rows = await db.query<{ user: User }>({
    name: 'users.visibleUsers',
    text: `SELECT chat.user_json(u) AS user FROM chat.chat_user u
           WHERE u.id = ANY ($2::text[]) AND (u.id = $1 OR EXISTS (
             SELECT FROM chat.chat_participant mine
             JOIN chat.chat_participant theirs ON theirs.chat_id = mine.chat_id AND theirs.user_id = u.id AND theirs.state = 'JOINED'
             JOIN chat.chat_session c ON c.id = mine.chat_id AND c.deleted_at IS NULL AND c.type <> 'STREAM'
             WHERE mine.user_id = $1 AND mine.state = 'JOINED'))`,
  }, [viewerId, userIds])
  return rows.map(({ user }) => user)
}
