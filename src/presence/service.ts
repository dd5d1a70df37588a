import type { ChatView } from '../chats/schemas.ts'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import type { Database } from '../plugins/database.ts'
import type { Hub } from '../realtime/hub.ts'
import type { Peer } from '../realtime/peer.ts'
import type { Leases } from './leases.ts'
import { onlineAcquaintances, onlineInChat, presenceOf, setPresence, unansweredRequest, watermarksOf, type Said } from './queries.ts'
import type { ChatJoined, Presence, SetPresence } from './schemas.ts'
import type { Typing } from './typing.ts'
import type { Viewers } from './viewers.ts'

export type PresenceService = ReturnType<typeof presenceService>

export interface PresenceDependencies {
  db: Database
  hub: Hub
  typing: Typing
  leases: Leases
  viewers: Viewers
  config: Pick<Config, 'realtime'>
  getChat: (userId: string, chatId: string) => Promise<ChatView>
}

const MAX_ONLINE_IN_JOINED = 100
const MAX_ONLINE = 1_000
/** Chats that are known to be no requests: they never become one. */
const MAX_AGREED = 10_000

const isPending = ({ chat }: ChatView) => chat.request?.status === 'PENDING'

export function presenceService ({ db, hub, typing, leases, viewers, config: { realtime: { presenceGraceMs } }, getChat }: PresenceDependencies) {
  const agreed = new Set<string>()

  /** Whether the other one is told that somebody types: not by who is asked and has not answered. @throws {ApiError} REQUEST_PENDING for who asks */
  async function mayBeSeenTyping (userId: string, chatId: string): Promise<boolean> {
    if (agreed.has(chatId)) return true
    const requestedById = await unansweredRequest(db, chatId)
    if (requestedById === userId) throw new ApiError('REQUEST_PENDING')
    if (requestedById !== undefined) return false
    if (agreed.size >= MAX_AGREED) agreed.clear()
    agreed.add(chatId)
    return true
  }

  /** What is committed from this view on reaches the socket: the client has to know what came before. */
  async function look (peer: Peer, before: ChatView): Promise<ChatView> {
    const { chat: { id, type }, head, membership } = before
    if (type !== 'STREAM') {
      if (hub.roster.view(peer, id)) viewers.joined(peer.userId, id, { quietly: isPending(before) })
      return getChat(peer.userId, id)
    }
    const bound = membership ? Math.max(membership.visibleFromSeq - 1, membership.clearedSeq) : 0
    if (hub.roster.watch(peer, id, { bound, lastRevision: head.lastRevision, memberCount: head.memberCount })) viewers.joined(peer.userId, id)
    await hub.roster.feed(id)?.heard
    const view = await getChat(peer.userId, id)
    hub.expectChat(id, view.head.lastRevision)
    return view
  }

  async function inChat (userId: string, chatId: string, limit: number) {
    const online = await onlineInChat(db, chatId, userId, presenceGraceMs, limit)
    if (!online) throw new ApiError('CHAT_NOT_FOUND')
    return online
  }

  /** All their devices learn the truth, others what is shown. */
  async function say (userId: string, said: Said): Promise<Presence> {
    const before = await setPresence(db, userId, said, presenceGraceMs)
    const [presence] = await presenceOf(db, userId, [userId], presenceGraceMs)
    if (!presence) throw new ApiError('USER_NOT_FOUND')
    hub.publish([{ kind: 'fleeting', type: 'presence_update', data: JSON.stringify(presence), userIds: [userId] }])
    const [wasInvisible, isInvisible] = [leases.invisible.has(userId), presence.status === 'INVISIBLE']
    if (isInvisible) typing.stopAll(userId)
    await leases.said(userId, before, isInvisible)
    if (isInvisible !== wasInvisible) viewers.shown(userId, !isInvisible)
    return presence
  }

  return {
    /** What others see of the user, until they say something else. ONLINE takes it back. */
    set: (userId: string, { status, statusText }: SetPresence) => say(userId, { status: status === 'ONLINE' ? null : status, statusText }),

    /** "I am here": no longer AWAY or INVISIBLE. Who is BUSY stays so. */
    comeOnline: (userId: string, { statusText }: { statusText?: string | null }) => say(userId, { status: null, statusText, over: ['AWAY', 'INVISIBLE'] }),

    /** "I am not here", although a device is: INVISIBLE, until they say otherwise. */
    goOffline: (userId: string) => say(userId, { status: 'INVISIBLE', statusText: undefined }),

    /** "I am looking at this chat." A STREAM is followed by this alone. */
    async join (peer: Peer, chatId: string): Promise<ChatJoined> {
      await leases.settled(peer.userId)
      const view = await look(peer, await getChat(peer.userId, chatId))
      const { id } = view.chat
      const { userIds, onlineCount } = await inChat(peer.userId, id, MAX_ONLINE_IN_JOINED)
      const watermarks = await watermarksOf(db, id, peer.userId)
      return { ...view, onlineUsers: userIds, onlineCount, viewerCount: isPending(view) ? 1 : viewers.count(id, peer.userId), watermarks }
    },

    /** @throws {ApiError} CHAT_NOT_FOUND; NOT_IN_CHAT if this socket was not looking at it */
    async leave (peer: Peer, chatId: string): Promise<void> {
      if (hub.roster.unview(peer, chatId.toLowerCase())) return
      await getChat(peer.userId, chatId)
      throw new ApiError('NOT_IN_CHAT')
    },

    async setTyping (userId: string, chatId: string, isTyping: boolean): Promise<void> {
      const id = chatId.toLowerCase()
      if (!hub.roster.follows(userId, id)) throw new ApiError('CHAT_NOT_FOUND')
      if (!await mayBeSeenTyping(userId, id)) return
      await leases.settled(userId)
      if (leases.invisible.has(userId)) return
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
