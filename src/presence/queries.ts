import type { Queryable } from '../plugins/database.ts'
import type { Presence } from './schemas.ts'

/** A lease counts until its end plus the grace: who comes back within it was never away. */
const isLive = (lease: string, grace: string) => `${lease}.lease_until + make_interval(secs => ${grace} / 1000.0) > now()`

/** @returns whether the user was offline until now */
export async function takeLease (db: Queryable, userId: string, nodeId: string, leaseMs: number, graceMs: number): Promise<boolean> {
  const [row] = await db.query<{ wasOffline: boolean }>({
    name: 'presence.takeLease',
    text: `WITH before AS (SELECT EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = $1 AND ${isLive('l', '$4::integer')}) AS live),
      taken AS (
        INSERT INTO chat.presence_lease (user_id, node_id, lease_until) VALUES ($1, $2, now() + make_interval(secs => $3::integer / 1000.0))
        ON CONFLICT (user_id, node_id) DO UPDATE SET lease_until = excluded.lease_until)
      SELECT NOT b.live AS "wasOffline" FROM before b`,
  }, [userId, nodeId, leaseMs, graceMs])
  return row?.wasOffline ?? false
}

/**
 * All users of a node in one statement. A lease that is not there (another node took this one for dead, or it could not be
 * taken) is taken again. @returns who was offline until now
 */
export async function renewLeases (db: Queryable, nodeId: string, userIds: string[], leaseMs: number, graceMs: number): Promise<string[]> {
  const rows = await db.query<{ userId: string }>({
    name: 'presence.renewLeases',
    text: `WITH here AS (SELECT u.id FROM chat.chat_user u WHERE u.id = ANY ($2::text[])),
      renewed AS (
        INSERT INTO chat.presence_lease (user_id, node_id, lease_until) SELECT e.id, $1, now() + make_interval(secs => $3::integer / 1000.0) FROM here e
        ON CONFLICT (user_id, node_id) DO UPDATE SET lease_until = excluded.lease_until)
      SELECT e.id AS "userId" FROM here e WHERE NOT EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = e.id AND ${isLive('l', '$4::integer')})`,
  }, [nodeId, userIds, leaseMs, graceMs])
  return rows.map(row => row.userId)
}

/** The user's last socket on the node has gone: the grace begins. */
export async function endLease (db: Queryable, userId: string, nodeId: string): Promise<void> {
  await db.query({
    name: 'presence.endLease', text: 'UPDATE chat.presence_lease SET lease_until = least(lease_until, now()) WHERE user_id = $1 AND node_id = $2',
  }, [userId, nodeId])
}

/** Removes the leases that have run out, of whichever node; each is removed by one node alone. @returns the users who are offline now */
export async function expireLeases (db: Queryable, graceMs: number): Promise<string[]> {
  const rows = await db.query<{ userId: string }>({
    name: 'presence.expireLeases',
    text: `WITH expired AS (
        DELETE FROM chat.presence_lease l WHERE l.ctid = ANY (ARRAY(
          SELECT x.ctid FROM chat.presence_lease x WHERE NOT ${isLive('x', '$1::integer')} ORDER BY x.lease_until FOR UPDATE SKIP LOCKED LIMIT 1000))
        RETURNING l.user_id, l.lease_until),
      gone AS (
        SELECT e.user_id, max(e.lease_until) AS last_seen_at FROM expired e
        WHERE NOT EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = e.user_id AND ${isLive('l', '$1::integer')}) GROUP BY e.user_id)
      INSERT INTO chat.user_presence AS p (user_id, last_seen_at) SELECT g.user_id, g.last_seen_at FROM gone g
      ON CONFLICT (user_id) DO UPDATE SET last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at)
      RETURNING p.user_id AS "userId"`,
  }, [graceMs])
  return rows.map(row => row.userId)
}

/** People who see each other come and go: they share a DIRECT chat (that is more than a request) or one of few members, and neither blocks the other. */
const acquaintancesOf = (me: string) => `
  SELECT theirs.user_id FROM chat.chat_participant mine
  JOIN chat.chat_session c ON c.id = mine.chat_id AND c.type <> 'STREAM' AND c.deleted_at IS NULL AND c.request_status IS DISTINCT FROM 'PENDING'
  JOIN chat.chat_head h ON h.chat_id = mine.chat_id AND h.member_count <= chat.small_chat_members()
  JOIN chat.chat_participant theirs ON theirs.chat_id = mine.chat_id AND theirs.user_id <> mine.user_id AND theirs.state = 'JOINED'
  WHERE mine.user_id = ${me} AND mine.state = 'JOINED'
    AND NOT EXISTS (SELECT FROM chat.user_block b WHERE (b.user_id, b.blocked_user_id) IN ((${me}, theirs.user_id), (theirs.user_id, ${me})))`

/** Those of them who are online. */
export async function onlineAcquaintances (db: Queryable, userId: string, graceMs: number): Promise<string[]> {
  const rows = await db.query<{ userId: string }>({
    name: 'presence.onlineAcquaintances',
    text: `SELECT DISTINCT a.user_id AS "userId" FROM (${acquaintancesOf('$1')}) a
           WHERE EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = a.user_id AND ${isLive('l', '$2::integer')}) ORDER BY 1`,
  }, [userId, graceMs])
  return rows.map(row => row.userId)
}

/** Of these users, those whose presence the viewer may see. */
export async function presenceOf (db: Queryable, viewerId: string, userIds: string[], graceMs: number): Promise<Presence[]> {
  const rows = await db.query<{ presence: Presence }>({
    name: 'presence.presenceOf',
    text: `SELECT json_build_object('userId', u.id, 'statusText', p.status_text,
             'status', CASE WHEN live.online THEN 'ONLINE' ELSE 'OFFLINE' END, 'lastSeenAt', CASE WHEN NOT live.online THEN chat.rfc3339(p.last_seen_at) END) AS presence
           FROM chat.chat_user u
           LEFT JOIN chat.user_presence p ON p.user_id = u.id
           CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = u.id AND ${isLive('l', '$3::integer')}) AS online) live
           WHERE u.id = ANY ($2::text[]) AND (u.id = $1 OR u.id IN (${acquaintancesOf('$1')})) ORDER BY u.id`,
  }, [viewerId, userIds, graceMs])
  return rows.map(row => row.presence)
}

export interface OnlineInChat { userIds: string[], onlineCount: number }

/** The members of a chat who are online; undefined: the viewer is not in it. */
export async function onlineInChat (db: Queryable, chatId: string, viewerId: string, graceMs: number, limit: number): Promise<OnlineInChat | undefined> {
  const [row] = await db.query<OnlineInChat>({
    name: 'presence.onlineInChat',
    text: `WITH viewer AS (SELECT v.blocked FROM chat.viewer($1, $2) v),
      online AS (
        SELECT p.user_id FROM chat.chat_participant p, viewer v
        WHERE p.chat_id = $1 AND p.state = 'JOINED' AND p.user_id <> ALL (v.blocked) AND (p.user_id = $2 OR NOT chat.awaits_answer($1, $2))
          AND NOT EXISTS (SELECT FROM chat.user_block b WHERE b.user_id = p.user_id AND b.blocked_user_id = $2)
          AND EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = p.user_id AND ${isLive('l', '$3::integer')}))
      SELECT ARRAY(SELECT o.user_id FROM online o ORDER BY o.user_id LIMIT $4) AS "userIds", (SELECT count(*)::integer FROM online) AS "onlineCount" FROM viewer`,
  }, [chatId, viewerId, graceMs, limit])
  return row
}

/** Who has asked for a DIRECT chat that is not accepted; undefined: nobody, and nobody will. */
export async function unansweredRequest (db: Queryable, chatId: string): Promise<string | undefined> {
  const [row] = await db.query<{ requestedById: string }>({
    name: 'presence.unansweredRequest',
    text: 'SELECT c.requested_by_id AS "requestedById" FROM chat.chat_session c WHERE c.id = $1 AND c.request_status IN (\'PENDING\', \'REJECTED\')',
  }, [chatId])
  return row?.requestedById
}

/** The watermarks that `chat_joined` shows. */
export async function watermarksOf (db: Queryable, chatId: string, userId: string): Promise<{ userId: string, deliveredSeq: number, readSeq: number }[]> {
  const [row] = await db.query<{ watermarks: { userId: string, deliveredSeq: number, readSeq: number }[] }>({
    name: 'presence.watermarksOf', text: 'SELECT chat.watermarks_json(v.h, $2) AS watermarks FROM chat.viewer($1, $2) v',
  }, [chatId, userId])
  return row?.watermarks ?? []
}
