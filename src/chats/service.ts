import { Type } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import type { Change, Changes } from '../changes.ts'
import { ApiError } from '../errors.ts'
import { assertMetadata } from '../metadata.ts'
import type { Identity } from '../plugins/auth.ts'
import type { Database, Queryable } from '../plugins/database.ts'
import { compile } from '../plugins/validation.ts'
import { decodeCursor, toPage } from '../pages.ts'
import { ChatId, Input, Time } from '../primitives.ts'
import type { InvitationsService } from './invitations.ts'
import type { MembersService } from './members.ts'
import type { MembershipsService } from './memberships.ts'
import { chatStats, listChats, listStreams, listUserChats } from './list-queries.ts'
import { blockedAmong, chatView, directPeer, findChat, insertChat, insertHead, isUser, joinParticipants, markDeleted, updateChat, type NewChat } from './queries.ts'
import { listRequests } from './request-queries.ts'
import type { RequestsService } from './requests.ts'
import { requireRole } from './roles.ts'
import type { ChatView, CreateChat, ListChats, ListUserChats, Stats, UpdateChat } from './schemas.ts'

export type ChatsService = ReturnType<typeof chatsService>

export interface ChatsDependencies {
  db: Database
  changes: Changes
  members: MembersService
  memberships: MembershipsService
  requests: RequestsService
  invitations: InvitationsService
  /** Sees to it that these users exist. */
  ensureUsers: (tx: Queryable, userIds: string[]) => Promise<void>
}

const checkCursor = compile(Input({ pinned: Type.Boolean(), activeAt: Time, chatId: ChatId }), 'cursor')
const checkUserCursor = compile(Input({ joinedAt: Time, chatId: ChatId }), 'cursor')

export interface Created { created: boolean, view: ChatView }

export function chatsService ({ db, changes, members, memberships, requests, invitations, ensureUsers }: ChatsDependencies) {
  async function get (userId: string, chatId: string): Promise<ChatView> {
    const view = await chatView(db, chatId, userId)
    if (!view) throw new ApiError('CHAT_NOT_FOUND')
    return view
  }

  /**
   * The chat that the request names already, if the user is in it. (Of a pair both are, or else one has rejected the other.)
   * @throws {ApiError} EXTERNAL_REF_TAKEN
   */
  async function existing (userId: string, request: CreateChat): Promise<string | undefined> {
    const found = await findChat(db, userId, request)
    if (found && !found.isMember && request.type !== 'DIRECT') throw new ApiError('EXTERNAL_REF_TAKEN')
    return found?.chatId
  }

  /** What was there when somebody wanted to make it. */
  async function again (userId: string, { type }: CreateChat, chatId: string): Promise<Created> {
    if (type === 'DIRECT') await requests.reopen(userId, chatId)
    return { created: false, view: await get(userId, chatId) }
  }

  /** The rows of a new chat. @returns whether nobody else made it first */
  async function insert (change: Change, chat: NewChat, userIds: string[]): Promise<boolean> {
    if (!await insertChat(change.tx, chat)) return false
    const lastRevision = await insertHead(change.tx, chat.id, userIds.length)
    change.created(chat.id, lastRevision, { isStream: chat.type === 'STREAM' })
    await joinParticipants(change.tx, chat.id, {
      userIds,
      ...((chat.type === 'GROUP' || chat.type === 'STREAM') && { ownerId: chat.createdById }),
      role: 'MEMBER',
      label: chat.type === 'SUPPORT' ? 'USER' : null,
      ...(chat.participantLabels && { labels: chat.participantLabels }),
      firstRevision: 2,
      inboxRevisions: await change.takeInboxRevisions(userIds),
      visibleFromSeq: 1,
      readSeq: 0,
    })
    return true
  }

  /** Nobody has seen anything of the chat yet: all members stand alike, and one view does for all. */
  async function announceCreated (change: Change, creatorId: string, userIds: string[]): Promise<void> {
    const view = await chatView(change.tx, change.chatId, creatorId)
    change.publish({ type: 'chat_created', data: { ...view, membership: null }, joined: { userIds, bound: 0 }, memberCount: userIds.length })
  }

  async function create (userId: string, request: CreateChat): Promise<Created> {
    assertMetadata(request.metadata)
    if (request.type === 'DIRECT' && request.targetUserId === userId) throw new ApiError('TARGET_IS_SELF')
    const found = await existing(userId, request)
    if (found !== undefined) return again(userId, request, found)

    const others = othersOf(request).filter(id => id !== userId)
    const userIds = [userId, ...new Set(others)]
    const chat: NewChat = { ...request, id: uuidv7(), createdById: userId }
    const created = await changes.run({ inboxes: userIds, prepare: tx => ensureUsers(tx, userIds) }, async change => {
      if ((await blockedAmong(change.tx, userId, others)).length > 0) throw new ApiError('CHAT_BLOCKED')
      const asking = request.type === 'GROUP' ? await invitations.asking(change.tx, others) : []
      const members = userIds.filter(id => id === userId || !asking.includes(id))
      if (!await insert(change, chat, members)) return false
      if (request.type === 'DIRECT') await requests.begin(change, userId, request.targetUserId)
      await invitations.inviteToNew(change, userId, userIds.filter(id => !members.includes(id)))
      await announceCreated(change, userId, members)
      return true
    })
    if (created) return { created, view: await get(userId, chat.id) }
    const raced = await existing(userId, request)
    if (raced === undefined) throw new ApiError('EXTERNAL_REF_TAKEN') // a deleted chat still holds the pair
    return again(userId, request, raced)
  }

  async function change (chatId: string, request: UpdateChat, participants: string[], requireRight: (change: Change) => Promise<void>): Promise<void> {
    assertMetadata(request.metadata)
    await changes.run({ chatId, participants }, async change => {
      await requireRight(change)
      const chat = await updateChat(change.tx, change.chatId, await change.takeRevisions(), request)
      change.publish({ type: 'chat_updated', data: { chat } })
    })
  }

  async function remove (chatId: string, participants: string[], requireRight: (change: Change) => void): Promise<void> {
    await changes.run({ chatId, participants }, async change => {
      requireRight(change)
      await invitations.withdrawAll(change)
      await markDeleted(change.tx, change.chatId, await change.takeRevisions())
      change.publish({ type: 'chat_deleted', data: { chatId: change.chatId }, closed: true })
    })
  }

  return {
    /** @throws {ApiError} CHAT_NOT_FOUND also for who is not in the chat */
    get,

    /** The same, also for who is invited. */
    async show (userId: string, chatId: string): Promise<ChatView> {
      return await chatView(db, chatId, userId) ?? await invitations.view(userId, chatId) ?? get(userId, chatId)
    },

    /** Makes the chat, or finds the one with the same pair, key or reference: never two, also when all ask at once. */
    create,

    /** The DIRECT chat with somebody; undefined: there is none, and it was not to be made. */
    async direct (userId: string, targetUserId: string, { make }: { make: boolean }): Promise<string | undefined> {
      const request: CreateChat = { type: 'DIRECT', targetUserId }
      return await existing(userId, request) ?? (make ? (await create(userId, request)).view.chat.id : undefined)
    },

    /** Pinned first, then by newest activity. Streams are everybody's: they come when they are asked for by their type, newest first. */
    async list (userId: string, { cursor, limit = 50, ...filter }: ListChats) {
      if (filter.direction !== undefined && filter.state !== 'requests') throw new ApiError('VALIDATION_FAILED', 'direction is of requests', { details: { field: 'direction' } })
      const list = filter.state === 'requests' ? listRequests : filter.type === 'STREAM' ? listStreams : listChats
      const rows = await list(db, userId, { ...filter, limit: limit + 1 }, decodeCursor(cursor, checkCursor))
      return toPage(rows, limit, row => row.view, ({ pinned, activeAt, chatId }) => ({ pinned, activeAt, chatId }))
    },

    /**
     * The chats that a user has or had, by their last joining, newest first: for themselves and administrators.
     * @throws {ApiError} USER_NOT_FOUND to everybody else
     */
    async listOfUser ({ userId: callerId, role }: Identity, userId: string, { cursor, includeArchived, limit = 50 }: ListUserChats) {
      const isAdmin = role === 'admin'
      if (userId !== callerId && !(isAdmin && await isUser(db, userId))) throw new ApiError('USER_NOT_FOUND')
      const rows = await listUserChats(db, userId, { ...(includeArchived && { includeArchived }), limit: limit + 1, all: isAdmin }, decodeCursor(cursor, checkUserCursor))
      return toPage(rows, limit, row => row.entry, ({ joinedAt, chatId }) => ({ joinedAt, chatId }))
    },

    async stats (userId: string, chatId: string): Promise<Stats> {
      const stats = await chatStats(db, chatId, userId)
      if (!stats) throw new ApiError('CHAT_NOT_FOUND')
      return stats
    },

    /**
     * A DIRECT chat has no administrator: either of the two may set its labels, its metadata and how long messages are kept, nobody the rest.
     * @throws {ApiError} ROLE_REQUIRED below ADMIN; CHAT_BLOCKED
     */
    async update (userId: string, chatId: string, request: UpdateChat): Promise<ChatView> {
      await change(chatId, request, [userId], async change => {
        const { role } = change.member(userId)
        const peer = await directPeer(change.tx, change.chatId, userId)
        if (peer === undefined || !isForEither(request)) requireRole(role, 'ADMIN')
        else if ((await blockedAmong(change.tx, userId, [peer])).length > 0) throw new ApiError('CHAT_BLOCKED')
      })
      return get(userId, chatId)
    },

    /** By an administrator. @throws {ApiError} CHAT_NOT_FOUND */
    async updateAny (chatId: string, request: UpdateChat): Promise<void> {
      await change(chatId, request, [], async () => {})
    },

    /** A GROUP is left; a DIRECT chat is cleared, and not listed until something new comes; so is a SUPPORT chat, by the user whose questions it holds. */
    async deleteForMe (userId: string, chatId: string): Promise<void> {
      const { chat } = await get(userId, chatId)
      if (chat.type === 'DIRECT' || (chat.type === 'SUPPORT' && chat.createdById === userId)) await memberships.clear(userId, chatId, { unlist: true })
      else await members.leave(userId, chatId)
    },

    /** @throws {ApiError} ROLE_REQUIRED unless by an OWNER; nobody owns a DIRECT chat */
    async deleteForEveryone (userId: string, chatId: string): Promise<void> {
      await remove(chatId, [userId], change => requireRole(change.member(userId).role, 'OWNER'))
    },

    /** By an administrator, of whatever type the chat is. @throws {ApiError} CHAT_NOT_FOUND */
    async deleteAny (chatId: string): Promise<void> {
      await remove(chatId, [], () => {})
    },
  }
}

/** Whether either of the two in a DIRECT chat may change this. */
function isForEither ({ labels, metadata, settings = {}, ...others }: UpdateChat): boolean {
  return [...Object.keys(others), ...Object.keys(settings).filter(name => name !== 'retentionDays')].length === 0
}

function othersOf (request: CreateChat): string[] {
  switch (request.type) {
    case 'DIRECT': return [request.targetUserId]
    case 'GROUP': return request.participantIds
    case 'STREAM':
    case 'SUPPORT': return []
  }
}
