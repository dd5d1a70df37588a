import type { Change, Changes } from '../changes.ts'
import { announceParticipants } from '../chats/announce.ts'
import { addToMemberCount, blockedAmong, joinParticipants, leaveChat, updateParticipant } from '../chats/queries.ts'
import { atLeast } from '../chats/roles.ts'
import type { ChatView, Participant, ParticipantChange } from '../chats/schemas.ts'
import { ApiError } from '../errors.ts'
import { writeSystemMessage, type WrittenNotice } from '../messages/system.ts'
import type { Writer } from '../messages/writer.ts'
import { decodeCursor, toPage } from '../pages.ts'
import type { Identity } from '../plugins/auth.ts'
import type { Database, Queryable } from '../plugins/database.ts'
import { compile } from '../plugins/validation.ts'
import { ChatId, Input, Time } from '../primitives.ts'
import { assign, statusOf } from './assignee.ts'
import { listSupport, nextAgent, supportState, supportView, type SupportState } from './queries.ts'
import type { ListSupport, ReleaseChat, SupportView, TakeChat } from './schemas.ts'

export type SupportService = ReturnType<typeof supportService>

export interface SupportDependencies {
  db: Database
  changes: Changes
  /** Sees to it that these users exist. */
  ensureUsers: (tx: Queryable, userIds: string[]) => Promise<void>
}

const SHOWN_MESSAGES = 50
/** An agent administers the chats that they have taken; their label tells everybody what they are. */
const AGENT = { role: 'ADMIN', label: 'AGENT' } as const
/** Somebody may close the chat again while a message is on its way to it. */
const REOPENINGS = 3

const checkCursor = compile(Input({ createdAt: Time, chatId: ChatId }), 'cursor')

/**
 * A user asks, agents answer. Who is an agent says the role of the token, each time that somebody looks at the queue, looks into a chat
 * that they are not in, takes one, or closes one from outside. Who has taken a chat is a participant like others, until they release it or are
 * removed: what an application takes a role away for, it removes the participant for.
 */
export function supportService ({ db, changes, ensureUsers }: SupportDependencies) {
  /**
   * The support chat that a change is about, for its members and for agents.
   * @throws {ApiError} CHAT_NOT_FOUND to others, ROLE_REQUIRED to the members of what is no support chat
   */
  async function stateFor (change: Change, { userId, role }: Pick<Identity, 'userId' | 'role'>): Promise<SupportState> {
    const support = await supportState(change.tx, change.chatId)
    const state = change.participants.get(userId)?.state
    if (support && (state === 'JOINED' || (role === 'agent' && state !== 'BANNED'))) return support
    throw new ApiError(state === 'JOINED' ? 'ROLE_REQUIRED' : 'CHAT_NOT_FOUND')
  }

  /** Makes somebody an agent of the chat, with all of its history in sight. @returns their row, if it has changed */
  async function admit (change: Change, userId: string): Promise<{ participants: Participant[], isNew: boolean }> {
    const current = change.participants.get(userId)
    const isNew = current?.state !== 'JOINED'
    if (!isNew && atLeast(current.role, AGENT.role)) return { participants: [], isNew }
    const inboxRevisions = await change.takeInboxRevisions([userId])
    const revision = await change.takeRevisions()
    if (!isNew) return { isNew, participants: await updateParticipant(change.tx, change.chatId, userId, { ...AGENT, revision, inboxRevision: inboxRevisions.get(userId) ?? 0 }) }
    const participants = await joinParticipants(change.tx, change.chatId, {
      ...AGENT, userIds: [userId], firstRevision: revision, inboxRevisions, visibleFromSeq: 1, readSeq: change.head.lastSeq,
    })
    return { participants, isNew }
  }

  /** A SYSTEM message that comes with no change of participants. */
  function publishNotice (change: Change, { message, seq }: WrittenNotice): void {
    change.publish({ type: 'message_received', data: `{"message":${message}}`, message: { seq, senderId: null } })
  }

  async function view ({ userId, role }: Identity, chatId: string): Promise<ChatView> {
    const found = await supportView(db, chatId, userId, 0)
    if (!found || (role !== 'agent' && found.membership === null)) throw new ApiError('CHAT_NOT_FOUND')
    const { messages, related, ...view } = found
    return view
  }

  /** What is said to a closed chat opens it again, for the agent whose it was. */
  async function reopen (userId: string, chatId: string): Promise<void> {
    await changes.run({ chatId, participants: [userId] }, async change => {
      change.member(userId)
      const support = await supportState(change.tx, change.chatId)
      if (support?.status !== 'CLOSED') return
      publishNotice(change, await writeSystemMessage(change, { kind: 'support_reopened', actorId: userId, targetIds: [] }))
      await assign(change, { status: statusOf(support.assigneeId), assigneeId: support.assigneeId })
    })
  }

  return {
    /** The queue: those that nobody has taken yet, unless another status is asked for; oldest first. @throws {ApiError} ROLE_REQUIRED unless by an agent */
    async list ({ userId, role }: Identity, { cursor, limit = 50, ...filter }: ListSupport) {
      if (role !== 'agent') throw new ApiError('ROLE_REQUIRED')
      const rows = await listSupport(db, userId, { ...filter, limit: limit + 1 }, decodeCursor(cursor, checkCursor))
      return toPage(rows, limit, row => row.view, ({ createdAt, chatId }) => ({ createdAt, chatId }))
    },

    /** A look at one, which nobody notices. @throws {ApiError} ROLE_REQUIRED unless by an agent, CHAT_NOT_FOUND */
    async get ({ userId, role }: Identity, chatId: string): Promise<SupportView> {
      if (role !== 'agent') throw new ApiError('ROLE_REQUIRED')
      const found = await supportView(db, chatId, userId, SHOWN_MESSAGES)
      if (!found) throw new ApiError('CHAT_NOT_FOUND')
      return found
    },

    /**
     * The agent joins the chat, which is theirs from now on; a closed one is open again. With `join` they join beside the agent whose it is.
     * @throws {ApiError} ROLE_REQUIRED, CHAT_NOT_FOUND; CHAT_TAKEN by another, whom `details` name
     */
    async take (identity: Identity, chatId: string, { join = false }: TakeChat): Promise<ChatView> {
      const { userId, role } = identity
      await changes.run({ chatId, participants: [userId], inboxes: [userId] }, async change => {
        const { status, assigneeId, createdById } = await stateFor(change, identity)
        if (role !== 'agent' || createdById === userId) throw new ApiError('ROLE_REQUIRED')
        const isTaken = status === 'ASSIGNED'
        if (isTaken && assigneeId !== userId && !join) throw new ApiError('CHAT_TAKEN', '', { details: { assigneeId } })
        const current = change.participants.get(userId)
        if (isTaken && current?.state === 'JOINED' && atLeast(current.role, AGENT.role)) return
        const notice = await writeSystemMessage(change, { kind: isTaken ? 'support_joined' : 'support_taken', actorId: userId, targetIds: [userId] })
        const { participants, isNew } = await admit(change, userId)
        if (isNew) {
          const memberCount = await addToMemberCount(change.tx, change.chatId, 1)
          announceParticipants(change, 'participant_joined', 'taken', userId, notice, participants, { joined: { userIds: [userId], bound: 0 }, memberCount })
        } else if (participants.length > 0) announceParticipants(change, 'participant_updated', 'taken', userId, notice, participants)
        else publishNotice(change, notice)
        if (!isTaken) await assign(change, { status: 'ASSIGNED', assigneeId: userId })
      })
      return view(identity, chatId)
    },

    /**
     * The agent leaves the chat. It goes to `toUserId`, whom they bring in if need be; else to the agent who has been in it longest; else back
     * to the queue.
     * @throws {ApiError} ROLE_REQUIRED unless by one of its agents, and to hand it over, by the one whose it is; CHAT_BLOCKED, USER_BANNED
     */
    async release (identity: Identity, chatId: string, { toUserId }: ReleaseChat): Promise<ParticipantChange> {
      const { userId } = identity
      if (toUserId === userId) throw new ApiError('TARGET_IS_SELF')
      const others = toUserId === undefined ? [] : [toUserId]
      return changes.run({ chatId, participants: [userId, ...others], inboxes: [userId, ...others], prepare: tx => ensureUsers(tx, others) }, async change => {
        change.member(userId)
        const { status, assigneeId, createdById } = await stateFor(change, identity)
        const isTheirs = assigneeId === userId
        if (createdById === userId || toUserId === createdById || (toUserId !== undefined && !isTheirs)) throw new ApiError('ROLE_REQUIRED')
        if (toUserId !== undefined && change.participants.get(toUserId)?.state === 'BANNED') throw new ApiError('USER_BANNED')
        if ((await blockedAmong(change.tx, userId, others)).length > 0) throw new ApiError('CHAT_BLOCKED')

        const notice = await writeSystemMessage(change, { kind: toUserId === undefined ? 'support_released' : 'support_handed_over', actorId: userId, targetIds: toUserId === undefined ? [userId] : others })
        const { participants, isNew } = toUserId === undefined ? { participants: [], isNew: false } : await admit(change, toUserId)
        const inboxRevisions = await change.takeInboxRevisions([userId])
        const left = await leaveChat(change.tx, change.chatId, userId, { state: 'LEFT', revision: await change.takeRevisions(), inboxRevision: inboxRevisions.get(userId) ?? 0 })
        const memberCount = await addToMemberCount(change.tx, change.chatId, isNew ? 0 : -1)
        const answer = announceParticipants(change, 'participant_left', 'released', userId, notice, [...participants, ...left], {
          ...(isNew && { joined: { userIds: others, bound: 0 } }), left: [userId], memberCount,
        })
        if (isTheirs) {
          const next = toUserId ?? await nextAgent(change.tx, change.chatId) ?? null
          await assign(change, { assigneeId: next, status: status === 'CLOSED' ? 'CLOSED' : statusOf(next) })
        }
        return answer
      })
    },

    /** By the user, by its agents, or by any agent from outside. Closing twice is as good as once. @throws {ApiError} ROLE_REQUIRED, CHAT_NOT_FOUND */
    async close (identity: Identity, chatId: string): Promise<ChatView> {
      const { userId, role } = identity
      await changes.run({ chatId, participants: [userId] }, async change => {
        const { status, assigneeId, createdById } = await stateFor(change, identity)
        if (role !== 'agent' && userId !== createdById && !atLeast(change.member(userId).role, AGENT.role)) throw new ApiError('ROLE_REQUIRED')
        if (status === 'CLOSED') return
        publishNotice(change, await writeSystemMessage(change, { kind: 'support_closed', actorId: userId, targetIds: [] }))
        await assign(change, { status: 'CLOSED', assigneeId })
      })
      return view(identity, chatId)
    },

    /**
     * Sends as the writer does; what a closed chat refuses opens it, and is sent again. Two transactions, so that sends to all other chats
     * stay what they are: if the second fails, the chat is open and the sender knows that the message is not in it.
     */
    reopening: (writer: Pick<Writer, 'send'>): Pick<Writer, 'send'> => ({
      async send (item) {
        for (let attempt = 0; ; attempt++) {
          try {
            return await writer.send(item)
          } catch (error) {
            if (!(error instanceof ApiError) || error.code !== 'CHAT_CLOSED' || item.senderId === null || attempt === REOPENINGS) throw error
            await reopen(item.senderId, item.chatId)
          }
        }
      },
    }),
  }
}
