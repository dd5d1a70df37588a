import { EventEmitter } from 'node:events'
import type { Bus } from './bus/bus.ts'
import { chatTopic, userTopic } from './bus/topics.ts'
import type { Chain } from './chain.ts'
import { Feed, HubUser, NOBODY } from './feed.ts'
import type { ChatFrame, InboxFrame } from './frames.ts'
import type { Peer } from './peer.ts'
import type { HubSource } from './source.ts'

interface RosterEvents {
  /** The user's first socket here has come, the last one has gone. */
  arrived: [userId: string]
  gone: [userId: string]
  /** A user looks at a chat no longer. */
  unviewed: [chatId: string, userId: string]
}

/** By what the frames of a chat, of an inbox go out. */
export interface Chains {
  ofChat: (feed: Feed) => Chain<ChatFrame>
  ofInbox: (user: HubUser) => Chain<InboxFrame>
}

/**
 * Who is here, with which sockets, which chats they follow and which they look at.
 *
 * - A user follows all chats that they are in, from their first socket to their last.
 * - A STREAM is followed by those sockets that look at it.
 */
export class Roster extends EventEmitter<RosterEvents> {
  readonly #users = new Map<string, HubUser>()
  readonly #feeds = new Map<string, Feed>()
  readonly #source: Pick<HubSource, 'loadUser'>
  readonly #chains: Chains
  readonly #bus: Pick<Bus, 'follow' | 'unfollow'>

  constructor (bus: Pick<Bus, 'follow' | 'unfollow'>, source: Pick<HubSource, 'loadUser'>, chains: Chains) {
    super()
    this.#bus = bus
    this.#source = source
    this.#chains = chains
  }

  /** @returns when the peer gets everything that is committed from now on, the inbox revision that it starts from */
  async connect (peer: Peer): Promise<number> {
    const user = this.#users.get(peer.userId) ?? this.#arrive(peer.userId)
    user.peers.add(peer) // so that the user stays; frames wait until it is ready
    try {
      await user.ready
    } catch (error) {
      this.disconnect(peer)
      throw error
    }
    return user.inbox.delivered
  }

  disconnect (peer: Peer): void {
    const user = this.#users.get(peer.userId)
    if (!user?.peers.delete(peer)) return
    for (const feed of [...user.feeds.values()]) this.#unview(feed, peer)
    if (user.peers.size > 0) return
    this.#users.delete(user.userId)
    this.#bus.unfollow([userTopic(user.userId)])
    user.inbox.close()
    for (const feed of [...user.feeds.values()]) this.unfollow(user, feed)
    this.emit('gone', user.userId)
  }

  /** @param issuedBefore only the sockets of older tokens; in milliseconds */
  closeUser (userId: string, code: number, { issuedBefore = Infinity } = {}): void {
    for (const peer of this.peersOf(userId)) if (peer.issuedAt < issuedBefore) peer.close(code)
  }

  /** What was delivered until now counts no longer: who comes back, perhaps before the last one has gone, must not meet it. */
  closeAll (code: number): void {
    for (const { peers } of [...this.#users.values()]) {
      for (const peer of [...peers]) {
        this.disconnect(peer)
        peer.close(code)
      }
    }
  }

  get connectedUsers (): string[] { return [...this.#users.keys()] }
  get followedChats (): string[] { return [...this.#feeds.keys()] }

  /** So many of them, where most has happened of late. */
  newestChats (limit: number): string[] {
    if (this.#feeds.size <= limit) return this.followedChats
    return [...this.#feeds.values()].sort((a, b) => b.activeAt - a.activeAt).slice(0, limit).map(({ chatId }) => chatId)
  }

  user (userId: string): HubUser | undefined {
    return this.#users.get(userId)
  }

  /** The chat, if anybody here follows it. */
  feed (chatId: string): Feed | undefined {
    return this.#feeds.get(chatId)
  }

  /** The chat, which somebody here is about to follow. */
  feedFor (chatId: string, { memberCount = 0, isStream = false } = {}): Feed {
    const existing = this.#feeds.get(chatId)
    if (existing) return existing
    const feed = new Feed(chatId, { memberCount, isStream }, this.#chains.ofChat)
    this.#feeds.set(chatId, feed)
    feed.heard = this.#bus.follow([chatTopic(chatId)])
    return feed
  }

  unfollow (user: HubUser, feed: Feed): void {
    for (const peer of user.peers) this.#unview(feed, peer)
    feed.unfollow(user)
    if (!feed.isEmpty) return
    feed.chain.close()
    this.#feeds.delete(feed.chatId)
    this.#bus.unfollow([chatTopic(feed.chatId)])
  }

  /** The user's sockets here, oldest first. */
  peersOf (userId: string): Peer[] {
    return [...this.#users.get(userId)?.peers ?? []]
  }

  isHere (userId: string): boolean {
    return this.#users.has(userId)
  }

  follows (userId: string, chatId: string): boolean {
    return this.#users.get(userId)?.feeds.has(chatId) ?? false
  }

  blockedBy (userId: string): ReadonlySet<string> {
    return this.#users.get(userId)?.blocks ?? NOBODY
  }

  /** The socket looks at the chat. @returns whether the user did not before; undefined: they do not follow it */
  view (peer: Peer, chatId: string): boolean | undefined {
    const user = this.#users.get(peer.userId)
    return user?.peers.has(peer) ? user.feeds.get(chatId)?.view(peer) : undefined // it may have ended meanwhile
  }

  /**
   * The socket begins to look at a STREAM, and so to follow it, from a revision on that its client is going to know.
   * @returns whether the user did not before; undefined: the socket has ended
   */
  watch (peer: Peer, chatId: string, { bound, lastRevision, memberCount }: { bound: number, lastRevision: number, memberCount: number }): boolean | undefined {
    const user = this.#users.get(peer.userId)
    if (!user?.peers.has(peer)) return undefined
    const feed = this.feedFor(chatId, { memberCount, isStream: true })
    feed.follow(user, bound)
    feed.chain.start(lastRevision)
    return feed.view(peer)
  }

  /** @returns whether it did look */
  unview (peer: Peer, chatId: string): boolean {
    const feed = this.#feeds.get(chatId)
    return feed !== undefined && this.#unview(feed, peer)
  }

  viewersOf (chatId: string): Set<string> {
    return new Set(this.#feeds.get(chatId)?.viewers)
  }

  viewerCount (chatId: string): number {
    return this.#feeds.get(chatId)?.viewerCount ?? 0
  }

  /** Whether the user looks at the chat with one of their sockets here. */
  views (userId: string, chatId: string): boolean {
    return this.#feeds.get(chatId)?.isViewedBy(userId) ?? false
  }

  chatsViewedBy (userId: string): string[] {
    return [...this.#users.get(userId)?.feeds.keys() ?? []].filter(chatId => this.views(userId, chatId))
  }

  /** The users here who follow the chat and do not look at it, with any socket. */
  absentFollowersOf (chatId: string): string[] {
    const viewers = this.viewersOf(chatId)
    return this.#feeds.get(chatId)?.followers.map(user => user.userId).filter(userId => !viewers.has(userId)) ?? []
  }

  #arrive (userId: string): HubUser {
    const user = new HubUser(userId, this.#chains.ofInbox)
    this.#users.set(userId, user) // first, so that the frames that come while it is loading wait
    user.ready = this.#load(user)
    return user
  }

  async #load (user: HubUser): Promise<void> {
    const heard = this.#bus.follow([userTopic(user.userId)])
    if (heard) await heard // first: what comes while the chats are loading waits
    const { inboxRevision, blocks, chats } = await this.#source.loadUser(user.userId)
    if (this.#users.get(user.userId) !== user) return // gone already
    if (blocks.length > 0) user.blocks = new Set(blocks)
    for (const { chatId, bound, lastRevision, memberCount } of chats) {
      const feed = this.feedFor(chatId, { memberCount })
      feed.follow(user, bound)
      feed.chain.start(lastRevision)
    }
    user.inbox.start(inboxRevision)
    // What is committed before this their client finds when it syncs, as it does when it has come in.
    const yetToHear = chats.flatMap(({ chatId }) => this.#feeds.get(chatId)?.heard ?? [])
    if (yetToHear.length > 0) await Promise.all(yetToHear)
    if (this.#users.get(user.userId) !== user) return
    this.emit('arrived', user.userId)
  }

  #unview (feed: Feed, peer: Peer): boolean {
    const { did, wasLast } = feed.unview(peer)
    if (wasLast) this.emit('unviewed', feed.chatId, peer.userId)
    const user = this.#users.get(peer.userId)
    if (wasLast && feed.isStream && user) this.unfollow(user, feed)
    return did
  }
}
