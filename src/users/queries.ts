import type { Queryable } from '../plugins/database.ts'
import type { Identity } from '../plugins/auth.ts'
import type { User } from './schemas.ts'

export interface MirroredUser { banned: boolean, tokensValidFrom: Date | null }

/** Takes over what the token says of a user. A token without a name or picture changes neither. */
export async function mirrorUser (db: Queryable, { userId, displayName, avatarUrl }: Identity): Promise<MirroredUser> {
  const [user] = await db.query<MirroredUser>({
    name: 'users.mirrorUser',
    text: `WITH mirrored AS (
             INSERT INTO chat.chat_user AS u (id, display_name, avatar_url) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET display_name = coalesce(excluded.display_name, u.display_name), avatar_url = coalesce(excluded.avatar_url, u.avatar_url)
               WHERE (coalesce(excluded.display_name, u.display_name), coalesce(excluded.avatar_url, u.avatar_url)) IS DISTINCT FROM (u.display_name, u.avatar_url)
             RETURNING u.id)
           SELECT coalesce(u.banned_until > now(), false) AS banned, u.tokens_valid_from AS "tokensValidFrom"
           FROM (SELECT count(*) FROM mirrored) AS done LEFT JOIN chat.chat_user u ON u.id = $1`,
  }, [userId, displayName, avatarUrl])
  return user ?? { banned: false, tokensValidFrom: null }
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
