import type { Queryable } from '../plugins/database.ts'
import type { Chat, ChatView, CreateGroup, Participant, Role, UpdateChat, UpdateMembership } from './schemas.ts'

/** The chat as one user sees it; undefined: they are not in it. */
export async function chatView (db: Queryable, chatId: string, userId: string): Promise<ChatView | undefined> {
  const [row] = await db.query<{ view: ChatView | null }>({ name: 'chats.chatView', text: 'SELECT chat.chat_view($1, $2) AS view' }, [chatId, userId])
  return row?.view ?? undefined
}

export async function isMember (db: Queryable, chatId: string, userId: string): Promise<boolean> {
  const rows = await db.query({ name: 'chats.isMember', text: 'SELECT FROM chat.viewer($1, $2)' }, [chatId, userId])
  return rows.length > 0
}

export async function isUser (db: Queryable, userId: string): Promise<boolean> {
  const rows = await db.query({ name: 'chats.isUser', text: 'SELECT FROM chat.chat_user u WHERE u.id = $1' }, [userId])
  return rows.length > 0
}

export interface ExistingChat { chatId: string, isMember: boolean }

/**
 * The chat that a request to make one names already: DIRECT by its pair alone (a key that is taken must not send somebody's
 * words to another), else by its maker's key or the application's reference. The pair is ordered by "C", and compared by the
 * column's own collation, as which alone it is indexed.
 */
export async function findChat (
  db: Queryable, userId: string, { type, targetUserId, clientChatId, externalRef }: { type: string, targetUserId?: string, clientChatId?: string, externalRef?: string }
): Promise<ExistingChat | undefined> {
  const [row] = await db.query<ExistingChat>({
    name: 'chats.findChat',
    text: `SELECT c.id AS "chatId", EXISTS (SELECT FROM chat.viewer(c.id, $1)) AS "isMember"
           FROM chat.chat_session c
           WHERE c.deleted_at IS NULL AND c.type = $2::chat.chat_type AND (
             ($3::text IS NOT NULL AND c.direct_low = least($1::text COLLATE "C", $3::text COLLATE "C") COLLATE "default"
               AND c.direct_high = greatest($1::text COLLATE "C", $3::text COLLATE "C") COLLATE "default")
             OR ($3::text IS NULL AND c.created_by_id = $1 AND c.client_chat_id = $4) OR ($3::text IS NULL AND c.type = $2::chat.chat_type AND c.external_ref = $5))
           ORDER BY (c.created_by_id = $1 AND c.client_chat_id = $4) IS NOT TRUE LIMIT 1`,
  }, [userId, type, targetUserId ?? null, clientChatId ?? null, externalRef ?? null])
  return row
}

/** The other one in a DIRECT chat; undefined: it is none. */
export async function directPeer (db: Queryable, chatId: string, userId: string): Promise<string | undefined> {
  const [row] = await db.query<{ userId: string }>({
    name: 'chats.directPeer',
    text: `SELECT CASE WHEN c.direct_low = $2 THEN c.direct_high ELSE c.direct_low END AS "userId"
           FROM chat.chat_session c WHERE c.id = $1 AND c.type = 'DIRECT'`,
  }, [chatId, userId])
  return row?.userId
}

/** Who of these blocks the user, or is blocked by them. */
export async function blockedAmong (db: Queryable, userId: string, userIds: string[]): Promise<string[]> {
  const rows = await db.query<{ userId: string }>({
    name: 'chats.blockedAmong',
    text: `SELECT u.id AS "userId" FROM unnest($2::text[]) AS u (id) WHERE EXISTS (
             SELECT FROM chat.user_block b WHERE (b.user_id = $1 AND b.blocked_user_id = u.id) OR (b.user_id = u.id AND b.blocked_user_id = $1))`,
  }, [userId, userIds])
  return rows.map(row => row.userId)
}

export interface NewChat extends Partial<Omit<CreateGroup, 'type' | 'participantIds'>> {
  id: string
  type: 'DIRECT' | 'GROUP' | 'STREAM' | 'SUPPORT'
  createdById: string
  targetUserId?: string
}

/** @returns whether it was made: another may have the same pair, key or reference */
export async function insertChat (db: Queryable, { id, type, createdById, targetUserId, name, avatarUrl, description, clientChatId, externalRef, labels, metadata, settings }: NewChat): Promise<boolean> {
  const rows = await db.query({
    name: 'chats.insertChat',
    text: `INSERT INTO chat.chat_session (id, type, created_by_id, direct_low, direct_high, name, avatar_url, description, client_chat_id, external_ref, labels, metadata,
             slow_mode_seconds, retention_days, history_for_new_members, who_may_send, who_may_invite, support_status)
           VALUES ($1, $2::text::chat.chat_type, $3,
             CASE WHEN $4::text IS NOT NULL THEN least($3::text COLLATE "C", $4::text COLLATE "C") END, CASE WHEN $4::text IS NOT NULL THEN greatest($3::text COLLATE "C", $4::text COLLATE "C") END,
             $5, $6, $7, $8, $9, coalesce($10::jsonb, '{}'), coalesce($11::jsonb, '{}'), coalesce($12, 0), $13,
             coalesce($14::chat.history_for_new_members, CASE $2 WHEN 'SUPPORT' THEN 'ALL'::chat.history_for_new_members ELSE 'NONE' END), coalesce($15::chat.participant_role, 'MEMBER'), coalesce($16::chat.participant_role, 'ADMIN'),
             CASE $2 WHEN 'SUPPORT' THEN 'OPEN'::chat.support_status END)
           ON CONFLICT DO NOTHING RETURNING id`,
  }, [id, type, createdById, targetUserId ?? null, name ?? null, avatarUrl ?? null, description ?? null, clientChatId ?? null, externalRef ?? null,
    json(labels), json(metadata), settings?.slowModeSeconds ?? null, settings?.retentionDays ?? null, settings?.historyForNewMembers ?? null, settings?.whoMaySend ?? null, settings?.whoMayInvite ?? null])
  return rows.length > 0
}

/** The chat itself has revision 1, its first members take the following. @returns the newest */
export async function insertHead (db: Queryable, chatId: string, memberCount: number): Promise<number> {
  const lastRevision = 1 + memberCount
  await db.query({
    name: 'chats.insertHead',
    text: 'INSERT INTO chat.chat_head (chat_id, last_revision, member_count) VALUES ($1, $2, $3)',
  }, [chatId, lastRevision, memberCount])
  return lastRevision
}

export interface Joining {
  userIds: string[]
  role: Role
  /** One of them who gets the chat. */
  ownerId?: string
  label: string | null
  /** Those of some of them. */
  labels?: Record<string, string>
  firstRevision: number
  inboxRevisions: Map<string, number>
  visibleFromSeq: number
  /** Everything up to here counts as read. */
  readSeq: number
}

/**
 * Makes these users members, for the first time or again. One revision each. What somebody who comes back has hidden is told
 * again with their membership: their devices have forgotten the chat, or never heard of it while it was left.
 */
export async function joinParticipants (db: Queryable, chatId: string, { userIds, role, ownerId, label, labels, firstRevision, inboxRevisions, visibleFromSeq, readSeq }: Joining): Promise<Participant[]> {
  return participants(await db.query({
    name: 'chats.joinParticipants',
    text: `WITH joining AS (SELECT j.user_id, j.inbox_revision, j.n FROM unnest($2::text[], $3::integer[]) WITH ORDINALITY AS j (user_id, inbox_revision, n)),
             told_again AS (UPDATE chat.message_hidden x SET inbox_revision = j.inbox_revision FROM joining j WHERE x.chat_id = $1 AND x.user_id = j.user_id AND x.seq >= $7)
           INSERT INTO chat.chat_participant AS p (chat_id, user_id, role, label, state, joined_at, join_revision, revision, inbox_revision, visible_from_seq, delivered_seq, read_seq)
           SELECT $1, j.user_id, CASE WHEN j.user_id = $9 THEN 'OWNER' ELSE $4::chat.participant_role END, coalesce($10::jsonb ->> j.user_id, $5), 'JOINED', clock_timestamp(), $6 + j.n - 1, $6 + j.n - 1, j.inbox_revision, $7, $8, $8
           FROM joining j
           ON CONFLICT (chat_id, user_id) DO UPDATE SET role = excluded.role, label = excluded.label, state = 'JOINED', joined_at = excluded.joined_at,
             join_revision = excluded.join_revision, revision = excluded.revision, inbox_revision = excluded.inbox_revision, visible_from_seq = excluded.visible_from_seq,
             delivered_seq = excluded.delivered_seq, read_seq = excluded.read_seq, public_read_seq = NULL, archived_seq = NULL, pinned_at = NULL, marked_unread = false
           RETURNING chat.participant_json(p) AS participant`,
  }, [chatId, userIds, userIds.map(userId => inboxRevisions.get(userId) ?? 0), role, label, firstRevision, visibleFromSeq, readSeq, ownerId ?? null, json(labels)]))
}

export async function leaveChat (db: Queryable, chatId: string, userId: string, { state, revision, inboxRevision }: { state: 'LEFT' | 'REMOVED' | 'BANNED' | 'REJECTED', revision: number, inboxRevision: number }): Promise<Participant[]> {
  return participants(await db.query({
    name: 'chats.leaveChat',
    text: `UPDATE chat.chat_participant AS p SET state = $3::chat.participant_state, role = 'MEMBER', revision = $4, inbox_revision = $5,
             rejected_at = CASE WHEN $3::chat.participant_state = 'REJECTED' THEN clock_timestamp() ELSE p.rejected_at END
           WHERE p.chat_id = $1 AND p.user_id = $2 RETURNING chat.participant_json(p) AS participant`,
  }, [chatId, userId, state, revision, inboxRevision]))
}

export async function updateParticipant (
  db: Queryable, chatId: string, userId: string, { role, label, revision, inboxRevision }: { role?: Role, label?: string | null, revision: number, inboxRevision: number }
): Promise<Participant[]> {
  return participants(await db.query({
    name: 'chats.updateParticipant',
    text: `UPDATE chat.chat_participant AS p SET role = coalesce($3::chat.participant_role, p.role), label = CASE WHEN $4 THEN $5 ELSE p.label END, revision = $6, inbox_revision = $7
           WHERE p.chat_id = $1 AND p.user_id = $2 RETURNING chat.participant_json(p) AS participant`,
  }, [chatId, userId, role ?? null, label !== undefined, label ?? null, revision, inboxRevision]))
}

/** Until when a member may not speak; null: they may. */
export async function silenceParticipant (db: Queryable, chatId: string, userId: string, until: string | null, revision: number): Promise<Participant[]> {
  return participants(await db.query({
    name: 'chats.silenceParticipant',
    text: `UPDATE chat.chat_participant AS p SET silenced_until = $3::timestamptz, revision = $4
           WHERE p.chat_id = $1 AND p.user_id = $2 RETURNING chat.participant_json(p) AS participant`,
  }, [chatId, userId, until, revision]))
}

/** What is not given stays as it is; a chat that has come back from the archive does not go there again by being muted. */
export async function updateMembership (
  db: Queryable, chatId: string, userId: string, { notifications, mutedUntil, pinned, markedUnread, archived }: UpdateMembership, inboxRevision: number
): Promise<void> {
  await db.query({
    name: 'chats.updateMembership',
    text: `UPDATE chat.chat_participant p SET notifications = coalesce($3::chat.notification_level, p.notifications),
             muted_until = CASE WHEN $4 THEN $5::timestamptz ELSE p.muted_until END,
             pinned_at = CASE $6::boolean WHEN true THEN coalesce(p.pinned_at, clock_timestamp()) WHEN false THEN NULL ELSE p.pinned_at END,
             marked_unread = coalesce($7, p.marked_unread),
             archived_seq = CASE $8::boolean WHEN true THEN h.last_ordinal_seq WHEN false THEN NULL ELSE CASE WHEN chat.is_archived(h, p) THEN p.archived_seq END END,
             inbox_revision = $9
           FROM chat.chat_head h WHERE p.chat_id = $1 AND p.user_id = $2 AND h.chat_id = p.chat_id`,
  }, [chatId, userId, notifications ?? null, mutedUntil !== undefined, mutedUntil ?? null, pinned ?? null, markedUnread ?? null, archived ?? null, inboxRevision])
}

/** @returns how many there are now */
export async function addToMemberCount (db: Queryable, chatId: string, difference: number): Promise<number> {
  const [row] = await db.query<{ memberCount: number }>({
    name: 'chats.addToMemberCount', text: 'UPDATE chat.chat_head SET member_count = member_count + $2 WHERE chat_id = $1 RETURNING member_count AS "memberCount"',
  }, [chatId, difference])
  return row?.memberCount ?? 0
}

/** Who owns the chat after its last owner: of the highest role, the one who has been in it longest. */
export async function successor (db: Queryable, chatId: string, leavingUserId: string): Promise<string | undefined> {
  const [row] = await db.query<{ userId: string }>({
    name: 'chats.successor',
    text: `SELECT p.user_id AS "userId" FROM chat.chat_participant p WHERE p.chat_id = $1 AND p.user_id <> $2 AND p.state = 'JOINED'
           ORDER BY p.role, p.join_revision LIMIT 1`,
  }, [chatId, leavingUserId])
  return row?.userId
}

export async function countOwners (db: Queryable, chatId: string): Promise<number> {
  const [row] = await db.query<{ count: number }>({
    name: 'chats.countOwners', text: "SELECT count(*)::integer AS count FROM chat.chat_participant WHERE chat_id = $1 AND state = 'JOINED' AND role = 'OWNER'",
  }, [chatId])
  return row?.count ?? 0
}

export async function updateChat (db: Queryable, chatId: string, revision: number, { name, avatarUrl, description, labels, metadata, settings }: UpdateChat): Promise<Chat | undefined> {
  const [row] = await db.query<{ chat: Chat }>({
    name: 'chats.updateChat',
    text: `UPDATE chat.chat_session AS c SET revision = $2, updated_at = clock_timestamp(), name = coalesce($3, c.name),
             avatar_url = CASE WHEN $4 THEN $5 ELSE c.avatar_url END, description = CASE WHEN $6 THEN $7 ELSE c.description END,
             labels = coalesce($8::jsonb, c.labels), metadata = coalesce($9::jsonb, c.metadata), slow_mode_seconds = coalesce($10, c.slow_mode_seconds),
             retention_days = CASE WHEN $11 THEN $12 ELSE c.retention_days END, history_for_new_members = coalesce($13::chat.history_for_new_members, c.history_for_new_members),
             who_may_send = coalesce($14::chat.participant_role, c.who_may_send), who_may_invite = coalesce($15::chat.participant_role, c.who_may_invite)
           WHERE c.id = $1 RETURNING chat.chat_json(c) AS chat`,
  }, [chatId, revision, name ?? null, avatarUrl !== undefined, avatarUrl ?? null, description !== undefined, description ?? null, json(labels), json(metadata),
    settings?.slowModeSeconds ?? null, settings?.retentionDays !== undefined, settings?.retentionDays ?? null, settings?.historyForNewMembers ?? null, settings?.whoMaySend ?? null, settings?.whoMayInvite ?? null])
  return row?.chat
}

export async function markDeleted (db: Queryable, chatId: string, revision: number): Promise<void> {
  await db.query({
    name: 'chats.markDeleted',
    text: 'UPDATE chat.chat_session SET deleted_at = clock_timestamp(), revision = $2, client_chat_id = NULL, external_ref = NULL WHERE id = $1',
  }, [chatId, revision])
}

/** Nothing up to `clearedSeq` is shown to the user any more. With `unlist` the chat is not listed either until something new comes. */
export async function clearHistory (db: Queryable, chatId: string, userId: string, { clearedSeq, unlist, inboxRevision }: { clearedSeq: number, unlist: boolean, inboxRevision: number }): Promise<void> {
  await db.query({
    name: 'chats.clearHistory',
    text: `UPDATE chat.chat_participant p SET cleared_seq = greatest(p.cleared_seq, $3), archived_seq = CASE WHEN $4 THEN $3 ELSE p.archived_seq END, inbox_revision = $5
           WHERE p.chat_id = $1 AND p.user_id = $2`,
  }, [chatId, userId, clearedSeq, unlist, inboxRevision])
}

export interface Rules { type: string, createdById: string, whoMayInvite: Role, historyForNewMembers: 'NONE' | 'ALL' }

export async function chatRules (db: Queryable, chatId: string): Promise<Rules | undefined> {
  const [row] = await db.query<Rules>({
    name: 'chats.chatRules',
    text: 'SELECT c.type, c.created_by_id AS "createdById", c.who_may_invite AS "whoMayInvite", c.history_for_new_members AS "historyForNewMembers" FROM chat.chat_session c WHERE c.id = $1',
  }, [chatId])
  return row
}

export async function listParticipants (db: Queryable, chatId: string, after: number, limit: number): Promise<(Participant & { joinRevision: number })[]> {
  const rows = await db.query<{ participant: Participant, joinRevision: number }>({
    name: 'chats.listParticipants',
    text: `SELECT chat.participant_json(p) AS participant, p.join_revision AS "joinRevision" FROM chat.chat_participant p
           WHERE p.chat_id = $1 AND p.state = 'JOINED' AND p.join_revision > $2 ORDER BY p.join_revision LIMIT $3`,
  }, [chatId, after, limit])
  return rows.map(({ participant, joinRevision }) => ({ ...participant, joinRevision }))
}

export async function usersOf (db: Queryable, userIds: string[]): Promise<ChatView['users']> {
  const [row] = await db.query<{ users: ChatView['users'] }>({ name: 'chats.usersOf', text: 'SELECT chat.users_json($1::text[]) AS users' }, [userIds])
  return row?.users ?? {}
}

function participants (rows: { participant?: Participant }[]): Participant[] {
  return rows.flatMap(({ participant }) => participant ?? [])
}

function json (value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value)
}
