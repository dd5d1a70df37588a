import type { ChatView } from '../chats/schemas.ts'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import type { Database } from '../plugins/database.ts'
import type { Hub } from '../realtime/hub.ts'
import type { Peer } from '../realtime/peer.ts'
import { onlineAcquaintances, onlineInChat, presenceOf, watermarksOf } from './queries.ts'
import type { ChatJoined, Presence } from './schemas.ts'
import type { Typing } from './typing.ts'

export type PresenceService = ReturnType<typeof presenceService>

export interface PresenceDependencies {
  db: Database
  hub: Hub
  typing: Typing
  config: Pick<Config, 'realtime'>
  getChat: (userId: string, chatId: string) => Promise<ChatView>
}

/** Beyond so many viewers nobody is told of single ones. */
const MAX_ANNOUNCED_VIEWERS = 200
const MAX_ONLINE_IN_JOINED = 100
const MAX_ONLINE = 1_000

export function presenceService ({ db, hub, typing, config: { realtime: { presenceGraceMs } }, getChat }: PresenceDependencies) {
  function announceViewer (type: 'user_joined_chat' | 'user_left_chat', userId: string, chatId: string): void {
    if (hub.viewersOf(chatId).size > MAX_ANNOUNCED_VIEWERS) return
    const data = JSON.stringify({ userId, at: new Date().toISOString() })
    hub.publish([{ kind: 'fleeting', type, chatId, data, audience: 'viewers', actorId: userId, hiddenFrom: [...hub.blockedBy(userId)] }])
  }
  hub.on('unviewed', (chatId, userId) => announceViewer('user_left_chat', userId, chatId))

  async function inChat (userId: string, chatId: string, limit: number) {
    const online = await onlineInChat(db, chatId, userId, presenceGraceMs, limit)
    if (!online) throw new ApiError('CHAT_NOT_FOUND')
    return online
  }

  return {
    /** "I am looking at this chat." */
    async join (peer: Peer, chatId: string): Promise<ChatJoined> {
      const view = await getChat(peer.userId, chatId)
      const { id } = view.chat
      const { userIds, onlineCount } = await inChat(peer.userId, id, MAX_ONLINE_IN_JOINED)
      const watermarks = await watermarksOf(db, id, peer.userId)
      if (hub.view(peer, id)) announceViewer('user_joined_chat', peer.userId, id)
      return { ...view, onlineUsers: userIds, onlineCount, viewerCount: hub.viewersOf(id).size, watermarks }
    },

    /** @throws {ApiError} CHAT_NOT_FOUND; NOT_IN_CHAT if this socket was not looking at it */
    async leave (peer: Peer, chatId: string): Promise<void> {
      const id = chatId.toLowerCase()
      if (!hub.follows(peer.userId, id)) throw new ApiError('CHAT_NOT_FOUND')
      if (!hub.unview(peer, id)) throw new ApiError('NOT_IN_CHAT')
    },

    async setTyping (userId: string, chatId: string, isTyping: boolean): Promise<void> {
      const id = chatId.toLowerCase()
      if (!hub.follows(userId, id)) throw new ApiError('CHAT_NOT_FOUND')
      if (isTyping) typing.start(userId, id)
      else typing.stop(userId, id)
    },

    /** In a chat, or of everybody with whom I share a DIRECT chat or a small group. */
    async online (userId: string, chatId?: string) {
      if (chatId !== undefined) return { chatId: chatId.toLowerCase(), ...await inChat(userId, chatId, MAX_ONLINE) }
      const userIds = await onlineAcquaintances(db, userId, presenceGraceMs)
      return { userIds: userIds.slice(0, MAX_ONLINE), onlineCount: userIds.length }
    },

    /** @throws {ApiError} USER_NOT_FOUND unless it is the viewer or somebody with whom they share a chat */
    async get (viewerId: string, userId: string): Promise<Presence> {
      const [presence] = await presenceOf(db, viewerId, [userId], presenceGraceMs)
      if (!presence) throw new ApiError('USER_NOT_FOUND')
      return presence
    },

    /** Who may not be seen is left out. */
    async query (viewerId: string, userIds: string[]): Promise<{ data: Presence[] }> {
      return { data: await presenceOf(db, viewerId, userIds, presenceGraceMs) }
    },
  }
}
