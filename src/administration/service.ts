import { createHash, randomUUID } from 'node:crypto'
import type { ChatsService } from '../chats/service.ts'
import { ApiError } from '../errors.ts'
import { EncodedJson } from '../json.ts'
import type { SendItem, SendOutcome } from '../messages/queries.ts'
import { nextCursorOf, rangeOf } from '../messages/range.ts'
import type { Sent } from '../messages/service.ts'
import { assertMetadata } from '../metadata.ts'
import type { Database } from '../plugins/database.ts'
import type { Hub } from '../realtime/hub.ts'
import { CLOSE } from '../realtime/protocol.ts'
import type { UserChange } from '../users/queries.ts'
import { chatForAdmin, findByReference, insertUsers, messagesForAdmin, revokeTokens, usersById } from './queries.ts'
import type { AdminChat, AdminHistory, AdminUser, CreateChatFor, PutUsers, SendAsSystem, UsersPut } from './schemas.ts'

export type AdministrationService = ReturnType<typeof administrationService>

export interface AdministrationDependencies {
  db: Database
  hub: Hub
  /** Of a user who is there: all who see them are told. */
  changeUser: (userId: string, change: UserChange) => Promise<void>
  createChat: ChatsService['create']
  writer: { send: (item: SendItem) => Promise<SendOutcome> }
}

/** What the application's server may do for, and with, everybody. */
export function administrationService ({ db, hub, changeUser, createChat, writer }: AdministrationDependencies) {
  async function user (userId: string): Promise<AdminUser> {
    const [found] = await usersById(db, [userId])
    if (!found) throw new ApiError('USER_NOT_FOUND')
    return found
  }

  async function chat (chatId: string): Promise<AdminChat> {
    const found = await chatForAdmin(db, chatId)
    if (!found) throw new ApiError('CHAT_NOT_FOUND')
    return found
  }

  async function putUsers ({ users }: PutUsers): Promise<UsersPut> {
    for (const { metadata } of users) assertMetadata(metadata)
    const distinct = [...new Map(users.map(user => [user.id, user])).values()]
    const created = new Set(await insertUsers(db, distinct))
    const there = new Map((await usersById(db, distinct.map(({ id }) => id))).map(user => [user.id, user]))
    for (const { id, ...wanted } of distinct) {
      const found = there.get(id)
      if (found && !created.has(id) && differs(found, wanted)) await changeUser(id, wanted)
    }
    return { users: await usersById(db, distinct.map(({ id }) => id)), created: created.size }
  }

  async function putUser (userId: string, change: UserChange): Promise<{ created: boolean, user: AdminUser }> {
    const { created } = await putUsers({ users: [{ id: userId, ...change }] })
    return { created: created > 0, user: await user(userId) }
  }

  return {
    user,
    chat,

    putUser,

    /** Makes who is not there and changes the others; each user by themselves: what fails on the way can be sent again as it is. */
    putUsers,

    /**
     * The user's sockets are closed with 4401, on all nodes, and tokens that were issued until now are refused (their times are whole seconds: also
     * those of the rest of this one). @throws {ApiError} USER_NOT_FOUND
     */
    async revoke (userId: string): Promise<AdminUser> {
      if (!await revokeTokens(db, userId)) throw new ApiError('USER_NOT_FOUND')
      hub.publish([{ kind: 'expel', userId, code: CLOSE.TOKEN_INVALID }])
      return user(userId)
    },

    /** As if its creator made it. The same pair, key or reference again is the same chat, whoever is in it by now. */
    async createChat ({ createdById, chat: request }: CreateChatFor): Promise<{ created: boolean, view: AdminChat }> {
      try {
        const { created, view } = await createChat(createdById, request)
        return { created, view: await chat(view.chat.id) }
      } catch (error) {
        const found = error instanceof ApiError && error.code === 'EXTERNAL_REF_TAKEN' && request.externalRef !== undefined ? await findByReference(db, request.type, request.externalRef) : undefined
        if (found === undefined) throw error
        return { created: false, view: await chat(found) }
      }
    },

    /** For moderation: nobody's bound, block or hiding is in the way, nobody has read or got anything by it. */
    async history (chatId: string, query: AdminHistory): Promise<EncodedJson> {
      const rows = await messagesForAdmin(db, chatId, rangeOf(query))
      if (!rows) throw new ApiError('CHAT_NOT_FOUND')
      return rows.page.with({ nextCursor: nextCursorOf(query, rows) })
    },

    /** A message without a sender. Nobody's rights are asked, and it counts as unread for nobody. */
    async sendAsSystem (chatId: string, { content, kind = 'application', targetIds = [], data = {}, metadata = {}, clientMessageId = randomUUID() }: SendAsSystem): Promise<Sent> {
      assertMetadata(metadata)
      assertMetadata(data)
      const { status, message } = await writer.send({
        chatId: chatId.toLowerCase(),
        senderId: null,
        type: 'SYSTEM',
        ...(content !== undefined && { content }),
        metadata,
        system: { kind, actorId: null, targetIds, data },
        clientMessageId,
        requestHash: createHash('sha256').update(JSON.stringify([kind, content ?? null, targetIds, data, metadata])).digest('base64url'),
      })
      const duplicate = status === 'duplicate'
      return { duplicate, body: new EncodedJson(`{"message":${message},"duplicate":${duplicate}}`) }
    },
  }
}

function differs (found: AdminUser, { displayName, avatarUrl, metadata }: UserChange): boolean {
  return (displayName !== undefined && displayName !== found.displayName) || (avatarUrl !== undefined && avatarUrl !== found.avatarUrl) || metadata !== undefined
}
