import type { Queryable } from '../plugins/database.ts'
import type { Presence } from './schemas.ts'

/** A lease counts until its end plus the grace: who comes back within it was never away. */
const isLive = (lease: string, grace: string) => `${lease}.lease_until + make_interval(secs => ${grace} / 1000.0) > now()`

/** What others are shown of somebody who is online or not: who is INVISIBLE is OFFLINE, and of who is there is no text. */
const SHOWN_STATUS = "CASE WHEN NOT live.online OR p.status = 'INVISIBLE' THEN 'OFFLINE' ELSE coalesce(p.status, 'ONLINE') END"

const presenceJson = (user: string, status: string, isOthers: string) => `json_build_object('userId', ${user}.id, 'status', ${status},
  'statusText', CASE WHEN NOT ${isOthers} OR ${SHOWN_STATUS} <> 'OFFLINE' THEN p.status_text END,
  'lastSeenAt', CASE WHEN ${status} = 'OFFLINE' AND NOT (${isOthers} AND ${user}.settings @> '{"hideLastSeen": true}') THEN chat.rfc3339(p.last_seen_at) END)`

export interface Arrival { userId: string, wasOffline: boolean, isInvisible: boolean }

/** Users who have come, in one statement. @returns whether they were offline until now, and whether they show themselves */
export async function takeLeases (db: Queryable, nodeId: string, userIds: string[], leaseMs: number, graceMs: number): Promise<Map<string, Arrival>> {
  const rows = await db.query<Arrival>({
    name: 'presence.takeLeases',
    text: `WITH before AS MATERIALIZED (
        SELECT e.id, EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = e.id AND ${isLive('l', '$4::integer')}) AS live FROM unnest($2::text[]) AS e (id)),
      taken AS (
        INSERT INTO chat.presence_lease (user_id, node_id, lease_until) SELECT b.id, $1, now() + make_interval(secs => $3::integer / 1000.0) FROM before b ORDER BY b.id
        ON CONFLICT (user_id, node_id) DO UPDATE SET lease_until = excluded.lease_until)
      SELECT b.id AS "userId", NOT b.live AS "wasOffline", EXISTS (SELECT FROM chat.user_presence i WHERE i.user_id = b.id AND i.status = 'INVISIBLE') AS "isInvisible" FROM before b`,
  }, [nodeId, userIds, leaseMs, graceMs])
  return new Map(rows.map(row => [row.userId, row]))
}

/**
 * All users of a node in one statement. A lease that is not there (another node took this one for dead, or it could not be
 * taken) is taken again. @returns who was offline until now, or does not show themselves
 */
export async function renewLeases (db: Queryable, nodeId: string, userIds: string[], leaseMs: number, graceMs: number): Promise<Arrival[]> {
  return db.query<Arrival>({
    name: 'presence.renewLeases',
    text: `WITH here AS (SELECT u.id FROM chat.chat_user u WHERE u.id = ANY ($2::text[])),
      renewed AS (
        INSERT INTO chat.presence_lease (user_id, node_id, lease_until) SELECT e.id, $1, now() + make_interval(secs => $3::integer / 1000.0) FROM here e
        ON CONFLICT (user_id, node_id) DO UPDATE SET lease_until = excluded.lease_until)
      SELECT * FROM (
        SELECT e.id AS "userId", NOT EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = e.id AND ${isLive('l', '$4::integer')}) AS "wasOffline",
          EXISTS (SELECT FROM chat.user_presence i WHERE i.user_id = e.id AND i.status = 'INVISIBLE') AS "isInvisible" FROM here e) h
      WHERE h."wasOffline" OR h."isInvisible"`,
  }, [nodeId, userIds, leaseMs, graceMs])
}

/** The last sockets of these users on the node have gone: the grace begins. */
export async function endLeases (db: Queryable, nodeId: string, userIds: string[]): Promise<void> {
  await db.query({
    name: 'presence.endLeases',
    text: `WITH mine AS MATERIALIZED (
             SELECT l.user_id, l.node_id FROM chat.presence_lease l WHERE l.node_id = $1 AND l.user_id = ANY ($2::text[]) ORDER BY l.user_id FOR UPDATE)
           UPDATE chat.presence_lease l SET lease_until = least(l.lease_until, now()) FROM mine m WHERE l.user_id = m.user_id AND l.node_id = m.node_id`,
  }, [nodeId, userIds])
}

/** Who was here unseen was not seen to go. Removes the leases that have run out, of whichever node; each is removed by one node alone. @returns the users who are offline now */
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
      ON CONFLICT (user_id) DO UPDATE SET last_seen_at = CASE WHEN p.status = 'INVISIBLE' THEN p.last_seen_at ELSE greatest(p.last_seen_at, excluded.last_seen_at) END
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
    AND theirs.user_id <> ALL (ARRAY(
      SELECT b.blocked_user_id FROM chat.user_block b WHERE b.user_id = ${me} UNION ALL SELECT b.user_id FROM chat.user_block b WHERE b.blocked_user_id = ${me}))`

/** Those of them who are online, as far as they show it. */
export async function onlineAcquaintances (db: Queryable, userId: string, graceMs: number): Promise<string[]> {
  const rows = await db.query<{ userId: string }>({
    name: 'presence.onlineAcquaintances',
    text: `SELECT DISTINCT a.user_id AS "userId" FROM (${acquaintancesOf('$1')}) a
           WHERE EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = a.user_id AND ${isLive('l', '$2::integer')})
             AND NOT EXISTS (SELECT FROM chat.user_presence i WHERE i.user_id = a.user_id AND i.status = 'INVISIBLE') ORDER BY 1`,
  }, [userId, graceMs])
  return rows.map(row => row.userId)
}

/** Of these users, those whose presence the viewer may see. Of oneself what one has said, wherever one is. */
export async function presenceOf (db: Queryable, viewerId: string, userIds: string[], graceMs: number): Promise<Presence[]> {
  const rows = await db.query<{ presence: Presence }>({
    name: 'presence.presenceOf',
    text: `SELECT ${presenceJson('u', `CASE WHEN u.id = $1 THEN coalesce(p.status, CASE WHEN live.online THEN 'ONLINE' ELSE 'OFFLINE' END) ELSE ${SHOWN_STATUS} END`, '(u.id <> $1)')} AS presence
           FROM chat.chat_user u
           LEFT JOIN chat.user_presence p ON p.user_id = u.id
           CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = u.id AND ${isLive('l', '$3::integer')}) AS online) live
           WHERE u.id = ANY ($2::text[]) AND (u.id = $1 OR u.id IN (${acquaintancesOf('$1')})) ORDER BY u.id`,
  }, [viewerId, userIds, graceMs])
  return rows.map(row => row.presence)
}

/** How others see somebody, whether they are there and do not show it, and who is to be told: whoever sees them and has a socket, also those who do not show it. */
export interface Shown { userId: string, presence: Presence, isInvisible: boolean, toTell: string[] }

export async function shownPresences (db: Queryable, userIds: string[], graceMs: number): Promise<Map<string, Shown>> {
  const rows = await db.query<Shown>({
    name: 'presence.shownPresences',
    text: `SELECT u.id AS "userId", ${presenceJson('u', SHOWN_STATUS, 'true')} AS presence, coalesce(p.status = 'INVISIBLE', false) AS "isInvisible",
             ARRAY(SELECT DISTINCT a.user_id FROM (${acquaintancesOf('u.id')}) a
               WHERE EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = a.user_id AND ${isLive('l', '$2::integer')}) ORDER BY 1) AS "toTell"
           FROM chat.chat_user u
           LEFT JOIN chat.user_presence p ON p.user_id = u.id
           CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = u.id AND ${isLive('l', '$2::integer')}) AS online) live
           WHERE u.id = ANY ($1::text[])`,
  }, [userIds, graceMs])
  return new Map(rows.map(row => [row.userId, row]))
}

export interface Said { status: string | null, /** undefined: it stays as it is */ statusText: string | null | undefined, /** Only if one of these was said before. */ over?: string[] }

/**
 * What a user says of themselves, until they say something else. Who turns INVISIBLE was last seen then, if they were seen.
 * @returns how others saw them until now
 */
export async function setPresence (db: Queryable, userId: string, { status, statusText, over }: Said, graceMs: number): Promise<Presence['status']> {
  const [row] = await db.query<{ shown: Presence['status'] }>({
    name: 'presence.setPresence',
    text: `WITH before AS (SELECT o.status FROM chat.user_presence o WHERE o.user_id = $1 FOR NO KEY UPDATE),
      live AS (SELECT EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = $1 AND ${isLive('l', '$6::integer')}) AS online),
      was AS (SELECT ${SHOWN_STATUS} AS shown FROM live LEFT JOIN before p ON true),
      said AS (
        INSERT INTO chat.user_presence AS p (user_id, status, status_text, last_seen_at)
        SELECT $1, CASE WHEN $5::text[] IS NULL THEN $2::text END, nullif($4::text, ''), CASE WHEN $2 = 'INVISIBLE' AND w.shown <> 'OFFLINE' THEN now() END FROM was w
        ON CONFLICT (user_id) DO UPDATE SET status = CASE WHEN $5::text[] IS NULL OR p.status = ANY ($5::text[]) THEN $2::text ELSE p.status END,
          status_text = CASE WHEN $3 THEN excluded.status_text ELSE p.status_text END, last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at))
      SELECT w.shown FROM was w`,
  }, [userId, status, statusText !== undefined, statusText ?? null, over ?? null, graceMs])
  return row?.shown ?? 'OFFLINE'
}

export interface OnlineInChat { userIds: string[], onlineCount: number }

/** The members of a chat who are online, as far as they show it (the viewer, too, if they are); undefined: the viewer is not in it. */
export async function onlineInChat (db: Queryable, chatId: string, viewerId: string, graceMs: number, limit: number): Promise<OnlineInChat | undefined> {
  const [row] = await db.query<OnlineInChat>({
    name: 'presence.onlineInChat',
    text: `WITH viewer AS (SELECT v.blocked FROM chat.viewer($1, $2) v),
      online AS (
        SELECT p.user_id FROM chat.chat_participant p, viewer v
        WHERE p.chat_id = $1 AND p.state = 'JOINED' AND p.user_id <> ALL (v.blocked) AND (p.user_id = $2 OR NOT chat.awaits_answer($1, $2))
          AND NOT EXISTS (SELECT FROM chat.user_block b WHERE b.user_id = p.user_id AND b.blocked_user_id = $2)
          AND EXISTS (SELECT FROM chat.presence_lease l WHERE l.user_id = p.user_id AND ${isLive('l', '$3::integer')})
          AND (p.user_id = $2 OR NOT EXISTS (SELECT FROM chat.user_presence i WHERE i.user_id = p.user_id AND i.status = 'INVISIBLE')))
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
