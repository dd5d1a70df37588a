import type { Queryable } from '../plugins/database.ts'
import type { ChatView, Participant, Role } from './schemas.ts'

/** Those among these users who want to be asked before they are in a chat. */
export async function askingAmong (db: Queryable, userIds: string[]): Promise<string[]> {
  const rows = await db.query<{ userId: string }>({
    name: 'chats.askingAmong',
    text: 'SELECT u.id AS "userId" FROM chat.chat_user u WHERE u.id = ANY ($1::text[]) AND chat.user_settings(u.settings) ->> \'groupInvites\' = \'ASK\'',
  }, [userIds])
  return rows.map(row => row.userId)
}

/** Those among these who have lately rejected an invitation to the chat, and the time from which on the first of them may be asked again. */
export async function refusedLately (db: Queryable, chatId: string, userIds: string[]): Promise<{ userIds: string[], retryAt: Date } | undefined> {
  const [row] = await db.query<{ userIds: string[], retryAt: Date }>({
    name: 'chats.refusedLately',
    text: `SELECT array_agg(p.user_id ORDER BY p.user_id) AS "userIds", max(chat.may_ask_again_at(p.rejected_at)) AS "retryAt" FROM chat.chat_participant p
           WHERE p.chat_id = $1 AND p.user_id = ANY ($2::text[]) AND p.state = 'REJECTED' AND chat.may_ask_again_at(p.rejected_at) > clock_timestamp() HAVING count(*) > 0`,
  }, [chatId, userIds])
  return row
}

export interface Inviting { userIds: string[], role: Role, label: string | null, invitedById: string, firstRevision: number, inboxRevisions: Map<string, number> }

/** Asks these users into the chat. They see nothing of it until they accept. One revision each. */
export async function inviteParticipants (db: Queryable, chatId: string, { userIds, role, label, invitedById, firstRevision, inboxRevisions }: Inviting): Promise<Participant[]> {
  const rows = await db.query<{ participant: Participant }>({
    name: 'chats.inviteParticipants',
    text: `INSERT INTO chat.chat_participant AS p (chat_id, user_id, role, label, state, joined_at, invited_by_id, join_revision, revision, inbox_revision)
           SELECT $1, j.user_id, $4::chat.participant_role, $5, 'INVITED', clock_timestamp(), $6, $7 + j.n - 1, $7 + j.n - 1, j.inbox_revision
           FROM unnest($2::text[], $3::integer[]) WITH ORDINALITY AS j (user_id, inbox_revision, n)
           ON CONFLICT (chat_id, user_id) DO UPDATE SET role = excluded.role, label = excluded.label, state = 'INVITED', joined_at = excluded.joined_at,
             invited_by_id = excluded.invited_by_id, join_revision = excluded.join_revision, revision = excluded.revision, inbox_revision = excluded.inbox_revision
           RETURNING chat.participant_json(p) AS participant`,
  }, [chatId, userIds, userIds.map(userId => inboxRevisions.get(userId) ?? 0), role, label, invitedById, firstRevision])
  return rows.map(row => row.participant)
}

export interface Invitation { role: Role, label: string | null, invitedById: string }

export async function invitationOf (db: Queryable, chatId: string, userId: string): Promise<Invitation | undefined> {
  const [row] = await db.query<Invitation>({
    name: 'chats.invitationOf',
    text: 'SELECT p.role, p.label, p.invited_by_id AS "invitedById" FROM chat.chat_participant p WHERE p.chat_id = $1 AND p.user_id = $2 AND p.state = \'INVITED\'',
  }, [chatId, userId])
  return row
}

export async function invitedTo (db: Queryable, chatId: string): Promise<string[]> {
  const rows = await db.query<{ userId: string }>({
    name: 'chats.invitedTo', text: 'SELECT p.user_id AS "userId" FROM chat.chat_participant p WHERE p.chat_id = $1 AND p.state = \'INVITED\' ORDER BY 1',
  }, [chatId])
  return rows.map(row => row.userId)
}

/** The chat as somebody who is invited sees it; undefined: they are not. */
export async function invitationView (db: Queryable, chatId: string, userId: string): Promise<ChatView | undefined> {
  const [row] = await db.query<{ view: ChatView | null }>({ name: 'chats.invitationView', text: 'SELECT chat.invitation_view($1, $2) AS view' }, [chatId, userId])
  return row?.view ?? undefined
}
