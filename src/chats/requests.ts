import type { Change, Changes } from '../changes.ts'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import type { SendItem, SendOutcome } from '../messages/queries.ts'
import { sendWithin } from '../messages/within.ts'
import type { Database } from '../plugins/database.ts'
import type { InvitationsService } from './invitations.ts'
import { addToMemberCount, blockedAmong, chatView, leaveChat } from './queries.ts'
import { answerRequest, requestOf, requestStatusFor, returnToChat, startRequest, watermarkFor, type Request } from './request-queries.ts'
import type { Chat, ChatView } from './schemas.ts'

export type RequestsService = ReturnType<typeof requestsService>

export interface RequestsDependencies { db: Database, changes: Changes, config: Pick<Config, 'chatRequests'>, invitations: InvitationsService }

/** So much can be said before the answer. */
const MESSAGES_BEFORE_ANSWER = 3

interface Sender { send: (item: SendItem) => Promise<SendOutcome> }

/**
 * Who may talk to whom in DIRECT chats, where CHAT_REQUESTS is on.
 *
 * - Who does not know somebody asks: the chat is PENDING. The one asked is in it, reads it, and is not seen there.
 * - By accepting, or by writing, they agree. By rejecting they leave the chat (REJECTED), and are left alone for 30 days;
 *   then the same chat can be asked for again.
 * - Rows change with the chat's revision, under its lock, as everything else: its frame is `chat_updated`, with whoever
 *   comes or goes.
 */
export function requestsService ({ db, changes, config: { chatRequests }, invitations }: RequestsDependencies) {
  /** The frame of a request that has changed, and with it whether the one asked is in the chat. */
  async function announce (change: Change, chat: Chat | undefined, { recipientId, requestedById }: Request, isIn: boolean): Promise<void> {
    const recipient = change.participants.get(recipientId)
    const wasIn = recipient?.state === 'JOINED'
    const next = wasIn === isIn
      ? undefined
      : { revision: await change.takeRevisions(), inboxRevision: (await change.takeInboxRevisions([recipientId])).get(recipientId) ?? 0 }
    const participants = next && await (isIn ? returnToChat(change.tx, change.chatId, recipientId, next) : leaveChat(change.tx, change.chatId, recipientId, { state: 'REJECTED', ...next }))
    const memberCount = next && await addToMemberCount(change.tx, change.chatId, isIn ? 1 : -1)
    // Until now nothing was told of what they have read.
    const watermark = isIn ? await watermarkFor(change.tx, change.chatId, recipientId, requestedById) : undefined
    change.publish({
      type: 'chat_updated',
      data: { chat, ...(participants && { participants }), ...(watermark && { watermark }) },
      ...(next && (isIn ? { joined: { userIds: [recipientId], bound: Math.max((recipient?.visibleFromSeq ?? 1) - 1, recipient?.clearedSeq ?? 0) } } : { left: [recipientId] })),
      ...(memberCount !== undefined && { memberCount }),
    })
  }

  async function requireUnblocked (change: Change, { recipientId, requestedById }: Request): Promise<void> {
    if ((await blockedAmong(change.tx, requestedById, [recipientId])).length > 0) throw new ApiError('CHAT_BLOCKED')
  }

  async function accept (change: Change, request: Request): Promise<void> {
    await requireUnblocked(change, request)
    await announce(change, await answerRequest(change.tx, change.chatId, 'ACCEPTED', await change.takeRevisions()), request, true)
  }

  async function askAgain (change: Change, request: Request): Promise<void> {
    if (!request.mayAskAgain) throw tooSoon(request)
    await requireUnblocked(change, request)
    const { requestedById, recipientId } = request
    const status = await requestStatusFor(change.tx, requestedById, recipientId) ?? 'AUTO_ACCEPTED'
    const chat = await startRequest(change.tx, change.chatId, { status, requestedById, messages: MESSAGES_BEFORE_ANSWER, revision: await change.takeRevisions() })
    await announce(change, chat, request, true)
  }

  /** A change of a request under the chat's lock. Who the two are never changes; how the request stands is read again. */
  async function run<Result> (chatId: string, { requestedById, recipientId }: Request, work: (change: Change, request: Request) => Promise<Result>): Promise<Result> {
    return changes.run({ chatId, participants: [requestedById, recipientId], inboxes: [recipientId] }, async change => {
      const request = await requestOf(change.tx, chatId)
      if (!request) throw new ApiError('CHAT_NOT_FOUND')
      return work(change, request)
    })
  }

  /** The request, for the one who is asked. @throws {ApiError} CHAT_NOT_FOUND for strangers, ROLE_REQUIRED for who has asked */
  function requireRecipient ({ requestedById, recipientId }: Request, userId: string): void {
    if (userId === requestedById) throw new ApiError('ROLE_REQUIRED')
    if (userId !== recipientId) throw new ApiError('CHAT_NOT_FOUND')
  }

  const isOpen = ({ status }: Request) => status === 'PENDING' || status === 'REJECTED'

  /** What chat.send_messages leaves to be done around a message: the answer to a request, or the asking anew. */
  async function sendUnanswered (item: SendItem, refusal: ApiError): Promise<SendOutcome> {
    const found = await requestOf(db, item.chatId)
    if (!found) throw refusal
    if (refusal.code === 'REQUEST_LIMIT') throw found.retryAt ? tooSoon(found) : refusal
    return run(item.chatId, found, async (change, request) => {
      if (isOpen(request)) {
        if (item.senderId === request.recipientId) await accept(change, request)
        else if (request.status === 'REJECTED') await askAgain(change, request)
        else throw refusal
      }
      return sendWithin(change, item)
    })
  }

  return {
    /** A DIRECT chat is being made. */
    async begin (change: Change, requestedById: string, targetUserId: string): Promise<void> {
      const status = chatRequests ? await requestStatusFor(change.tx, requestedById, targetUserId) : null
      if (status !== null) await startRequest(change.tx, change.chatId, { status, requestedById, messages: MESSAGES_BEFORE_ANSWER })
    },

    /** Somebody wants the DIRECT chat that there is: who has rejected it agrees by that, who was rejected asks anew. @throws {ApiError} REQUEST_LIMIT before its time */
    async reopen (userId: string, chatId: string): Promise<void> {
      const found = await requestOf(db, chatId)
      if (found?.status !== 'REJECTED') return
      await run(chatId, found, async (change, request) => {
        if (request.status === 'REJECTED') await (userId === request.recipientId ? accept : askAgain)(change, request)
      })
    },

    /** A request, or an invitation. @throws {ApiError} CHAT_NOT_FOUND; ROLE_REQUIRED for who has asked; CHAT_BLOCKED */
    async accept (userId: string, chatId: string): Promise<ChatView> {
      const found = await requestOf(db, chatId)
      if (!found) return invitations.accept(userId, chatId)
      requireRecipient(found, userId)
      await run(chatId, found, async (change, request) => { if (isOpen(request)) await accept(change, request) })
      const view = await chatView(db, chatId, userId)
      if (!view) throw new ApiError('CHAT_NOT_FOUND')
      return view
    },

    /** A request, or an invitation. @throws {ApiError} CHAT_NOT_FOUND; ROLE_REQUIRED for who has asked; VALIDATION_FAILED for what is accepted already */
    async reject (userId: string, chatId: string): Promise<void> {
      const found = await requestOf(db, chatId)
      if (!found) return invitations.reject(userId, chatId)
      requireRecipient(found, userId)
      await run(chatId, found, async (change, request) => {
        if (!isOpen(request)) throw new ApiError('VALIDATION_FAILED', 'There is nothing to reject', { details: { field: 'chatId' } })
        if (request.status === 'PENDING') await announce(change, await answerRequest(change.tx, change.chatId, 'REJECTED', await change.takeRevisions()), request, false)
      })
    },

    /** Sends by the writer, and minds requests: who is asked accepts by writing, in the same transaction. */
    sending: (writer: Sender): Sender => ({
      send: item => writer.send(item).catch((error: unknown) => {
        if (error instanceof ApiError && (error.code === 'REQUEST_PENDING' || error.code === 'REQUEST_LIMIT')) return sendUnanswered(item, error)
        throw error
      }),
    }),
  }
}

function tooSoon ({ retryAt }: Request): ApiError {
  return new ApiError('REQUEST_LIMIT', '', { details: { retryAt: retryAt?.toISOString() } })
}
