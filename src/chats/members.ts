import type { Change, Changes } from '../changes.ts'
import { ApiError } from '../errors.ts'
import { writeSystemMessage } from '../messages/system.ts'
import type { Admin } from '../plugins/admin.ts'
import type { Database, Queryable } from '../plugins/database.ts'
import { compile } from '../plugins/validation.ts'
import { decodeCursor, toPage } from '../pages.ts'
import { Input, Revision } from '../primitives.ts'
import { passOn } from '../support/assignee.ts'
import { announceParticipants } from './announce.ts'
import type { InvitationsService } from './invitations.ts'
import {
  addToMemberCount, blockedAmong, chatRules, countOwners, isMember, joinParticipants, leaveChat, listParticipants, successor, updateParticipant, usersOf, type Joining, type Rules,
} from './queries.ts'
import { atLeast, idOf, requireRole, type Actor } from './roles.ts'
import type { AddParticipants, ListParticipants, ParticipantChange, Role, UpdateParticipant } from './schemas.ts'

export type MembersService = ReturnType<typeof membersService>

export interface MembersDependencies {
  db: Database
  changes: Changes
  invitations: InvitationsService
  /** Sees to it that these users exist. */
  ensureUsers: (tx: Queryable, userIds: string[]) => Promise<void>
}

const checkCursor = compile(Input({ joinRevision: Revision }), 'cursor')

const NOBODY: ParticipantChange = { participants: [], message: null }

/** Who is in a chat: joining, leaving, roles. Each change writes a SYSTEM message, which its event carries. */
export function membersService ({ db, changes, invitations, ensureUsers }: MembersDependencies) {
  async function leave (change: Change, userId: string, state: 'LEFT' | 'REMOVED', actorId: string | null): Promise<ParticipantChange> {
    const { role } = change.member(userId)
    const heir = role === 'OWNER' && await countOwners(change.tx, change.chatId) === 1 ? await successor(change.tx, change.chatId, userId) : undefined
    const notice = await writeSystemMessage(change, {
      kind: state === 'LEFT' ? 'participant_left' : 'participant_removed', actorId, targetIds: [userId], data: heir === undefined ? {} : { newOwnerId: heir },
    })
    // The heir's inbox could not be locked beforehand: a deadlock over it is undone and tried again.
    const inboxRevisions = await change.takeInboxRevisions(heir === undefined ? [userId] : [userId, heir])
    const next = async (id: string) => ({ revision: await change.takeRevisions(), inboxRevision: inboxRevisions.get(id) ?? 0 })
    const participants = heir === undefined ? [] : await updateParticipant(change.tx, change.chatId, heir, { role: 'OWNER', ...await next(heir) })
    participants.push(...await leaveChat(change.tx, change.chatId, userId, { state, ...await next(userId) }))
    const memberCount = await addToMemberCount(change.tx, change.chatId, -1)
    const answer = announceParticipants(change, 'participant_left', state.toLowerCase(), actorId, notice, participants, { left: [userId], memberCount })
    await passOn(change, userId)
    return answer
  }

  async function join (change: Change, actorId: string | null, userIds: string[], { role, label, historyForNewMembers }: Pick<Joining, 'role' | 'label'> & Pick<Rules, 'historyForNewMembers'>): Promise<ParticipantChange> {
    if (userIds.length === 0) return NOBODY
    const notice = await writeSystemMessage(change, { kind: 'participants_added', actorId, targetIds: userIds })
    const visibleFromSeq = historyForNewMembers === 'ALL' ? 1 : change.head.lastSeq + 1
    const participants = await joinParticipants(change.tx, change.chatId, {
      userIds,
      role,
      label,
      firstRevision: await change.takeRevisions(userIds.length),
      inboxRevisions: await change.takeInboxRevisions(userIds),
      visibleFromSeq,
      readSeq: change.head.lastSeq,
    })
    const memberCount = await addToMemberCount(change.tx, change.chatId, userIds.length)
    return announceParticipants(change, 'participant_joined', 'added', actorId, notice, participants, { joined: { userIds, bound: visibleFromSeq - 1 }, memberCount })
  }

  async function rules (change: Change): Promise<Rules> {
    const found = await chatRules(change.tx, change.chatId)
    if (!found) throw new ApiError('CHAT_NOT_FOUND')
    return found
  }

  return {
    /** Of a chat that the user is in; administrators see all. @throws {ApiError} CHAT_NOT_FOUND */
    async list (actor: Actor, chatId: string, { cursor, limit = 50 }: ListParticipants) {
      if (typeof actor === 'string' ? !await isMember(db, chatId, actor) : !await chatRules(db, chatId)) throw new ApiError('CHAT_NOT_FOUND')
      const after = decodeCursor(cursor, checkCursor)?.joinRevision ?? 0
      const page = toPage(await listParticipants(db, chatId, after, limit + 1), limit,
        ({ joinRevision, ...participant }) => participant, ({ joinRevision }) => ({ joinRevision }))
      return { ...page, users: await usersOf(db, page.data.map(participant => participant.userId)) }
    },

    /** Who is in the chat already stays as they are; who wants to be asked is invited. @throws {ApiError} ROLE_REQUIRED, USER_BANNED, CHAT_BLOCKED, REQUEST_LIMIT */
    async add (actorId: string, chatId: string, { userIds, role = 'MEMBER', label }: AddParticipants): Promise<ParticipantChange> {
      const wanted = [...new Set(userIds)]
      return changes.run({ chatId, participants: [actorId, ...wanted], inboxes: wanted, prepare: tx => ensureUsers(tx, wanted) }, async change => {
        const actor = change.member(actorId)
        const { type, whoMayInvite, historyForNewMembers } = await rules(change)
        if (type === 'DIRECT' || !atLeast(actor.role, whoMayInvite) || !atLeast(actor.role, role)) throw new ApiError('ROLE_REQUIRED')
        if (wanted.some(userId => change.participants.get(userId)?.state === 'BANNED')) throw new ApiError('USER_BANNED')
        if ((await blockedAmong(change.tx, actorId, wanted)).length > 0) throw new ApiError('CHAT_BLOCKED')
        await invitations.requireWilling(change, wanted)
        const asking = type === 'STREAM' ? [] : await invitations.asking(change.tx, wanted) // (nobody need be asked into what is public)
        const stateOf = (userId: string) => change.participants.get(userId)?.state
        const joining = wanted.filter(userId => stateOf(userId) !== 'JOINED' && !asking.includes(userId))
        const inviting = asking.filter(userId => stateOf(userId) !== 'JOINED' && stateOf(userId) !== 'INVITED')
        const joined = await join(change, actorId, joining, { role, label: label ?? null, historyForNewMembers })
        const invited = inviting.length === 0 ? NOBODY : await invitations.invite(change, { userIds: inviting, role, label: label ?? null, invitedById: actorId })
        return { participants: [...joined.participants, ...invited.participants], message: joined.message ?? invited.message }
      })
    },

    /** By an administrator: nobody is asked, and a ban from the chat ends by it. @throws {ApiError} ROLE_REQUIRED for a DIRECT chat, whose two are all who can be in it */
    async put (admin: Admin, chatId: string, { userIds, role = 'MEMBER', label }: AddParticipants): Promise<ParticipantChange> {
      const wanted = [...new Set(userIds)]
      return changes.run({ chatId, participants: wanted, inboxes: wanted, prepare: tx => ensureUsers(tx, wanted) }, async change => {
        const { type, historyForNewMembers } = await rules(change)
        if (type === 'DIRECT') throw new ApiError('ROLE_REQUIRED')
        return join(change, admin.userId, wanted.filter(userId => change.participants.get(userId)?.state !== 'JOINED'), { role, label: label ?? null, historyForNewMembers })
      })
    },

    /**
     * A chat can have several owners; with `transfer` who gives the role of an owner away is an administrator from then on.
     * @throws {ApiError} ROLE_REQUIRED; LAST_OWNER; USER_NOT_FOUND for who is not in the chat
     */
    async update (actor: Actor, chatId: string, userId: string, { role, label, transfer = false }: UpdateParticipant): Promise<ParticipantChange> {
      const actorId = idOf(actor)
      if (transfer && (role !== 'OWNER' || typeof actor !== 'string')) throw new ApiError('VALIDATION_FAILED', 'transfer goes with the role OWNER', { details: { field: 'transfer' } })
      if (transfer && actorId === userId) throw new ApiError('TARGET_IS_SELF')
      const giver = transfer && typeof actor === 'string' ? [actor] : []
      const changed = [userId, ...giver]
      return changes.run({ chatId, participants: [userId, ...membersOf(actor)], inboxes: changed }, async change => {
        const own = roleOf(change, actor)
        requireRole(own, 'ADMIN')
        const target = change.participants.get(userId)
        if (target?.state !== 'JOINED') throw new ApiError('USER_NOT_FOUND')
        if (!atLeast(own, target.role) || (role !== undefined && !atLeast(own, role))) throw new ApiError('ROLE_REQUIRED')
        const isDemotion = role !== undefined && target.role === 'OWNER' && role !== 'OWNER'
        if (isDemotion && await countOwners(change.tx, change.chatId) === 1) throw new ApiError('LAST_OWNER')
        const kind = transfer ? 'ownership_transferred' : role === undefined ? 'label_changed' : 'role_changed'
        const data = { ...(role !== undefined && { role }), ...(label !== undefined && { label }) }
        const notice = await writeSystemMessage(change, { kind, actorId, targetIds: [userId], data })
        const inboxRevisions = await change.takeInboxRevisions(changed)
        const next = async (id: string) => ({ revision: await change.takeRevisions(), inboxRevision: inboxRevisions.get(id) ?? 0 })
        const participants = await updateParticipant(change.tx, change.chatId, userId, { ...data, ...await next(userId) })
        for (const id of giver) participants.push(...await updateParticipant(change.tx, change.chatId, id, { role: 'ADMIN', ...await next(id) }))
        return announceParticipants(change, 'participant_updated', kind, actorId, notice, participants)
      })
    },

    /** @throws {ApiError} ROLE_REQUIRED; USER_NOT_FOUND for who is not in the chat */
    async remove (actor: Actor, chatId: string, userId: string): Promise<ParticipantChange> {
      const actorId = idOf(actor)
      return changes.run({ chatId, participants: [userId, ...membersOf(actor)], inboxes: [userId] }, async change => {
        const own = roleOf(change, actor)
        if (userId !== actor) requireRole(own, 'ADMIN')
        const target = change.participants.get(userId)
        if (cannotLeave(await rules(change), userId)) throw new ApiError('ROLE_REQUIRED')
        if (target?.state === 'INVITED') return invitations.withdraw(change, actorId, userId)
        if (target?.state !== 'JOINED') throw new ApiError('USER_NOT_FOUND')
        if (!atLeast(own, target.role)) throw new ApiError('ROLE_REQUIRED')
        return leave(change, userId, userId === actor ? 'LEFT' : 'REMOVED', actorId)
      })
    },

    /** Nobody can leave a DIRECT chat, nor a user the SUPPORT chat that is about them. The last owner's leaving passes the chat on. @throws {ApiError} ROLE_REQUIRED */
    async leave (userId: string, chatId: string): Promise<void> {
      await changes.run({ chatId, participants: [userId], inboxes: [userId] }, async change => {
        change.member(userId)
        if (cannotLeave(await rules(change), userId)) throw new ApiError('ROLE_REQUIRED')
        await leave(change, userId, 'LEFT', userId)
      })
    },
  }
}

/** Whose row is locked for what they may. */
const membersOf = (actor: Actor): string[] => typeof actor === 'string' ? [actor] : []

/** An administrator stands above everybody. @throws {ApiError} CHAT_NOT_FOUND for who is not in the chat */
const roleOf = (change: Change, actor: Actor): Role => typeof actor === 'string' ? change.member(actor).role : 'OWNER'

/** Nobody out of a DIRECT chat, nor the user out of the SUPPORT chat that is about them. */
function cannotLeave ({ type, createdById }: Rules, userId: string): boolean {
  return type === 'DIRECT' || (type === 'SUPPORT' && createdById === userId)
}
