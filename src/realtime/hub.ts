import { EventEmitter } from 'node:events'
import type { FastifyBaseLogger } from 'fastify'
import type { Membership } from '../chats/schemas.ts'
import type { Bus } from './bus/bus.ts'
import { Chain } from './chain.ts'
import { chatFrame, redactData, skippedFrame, type ChatFrame, type FleetingFrame, type Frame, type InboxFrame } from './frames.ts'
import { CLOSE, FEW_MEMBERS, plainFrame } from './protocol.ts'
import type { HubSource } from './source.ts'

/** One open socket, as the hub sees it. */
export interface Peer {
  readonly id: string
  readonly userId: string
  /** `fleeting`: may be dropped when the socket is slow. */
  send (frame: Buffer, fleeting: boolean): void
  close (code: number): void
}

/** A user who has a socket here. */
interface HubUser {
  readonly userId: string
  readonly peers: Set<Peer>
  readonly follows: Map<string, Follow>
  readonly inbox: Chain<InboxFrame>
  blocks: ReadonlySet<string>
  ready: Promise<void>
}

/** What a user may see of a chat that they follow starts above the bound. */
interface Follow { readonly feed: Feed, bound: number }

/** A chat that somebody here follows. */
interface Feed {
  readonly chatId: string
  readonly chain: Chain<ChatFrame>
  readonly followers: Map<HubUser, Follow>
  readonly viewers: Set<Peer>
  memberCount: number
}

interface HubEvents {
  /** The user's first socket here has come, the last one has gone. */
  arrived: [userId: string]
  gone: [userId: string]
  /** A socket that was looking at a chat has stopped looking. */
  unviewed: [chatId: string, peer: Peer]
}

/**
 * Which sockets of this process want which chats, and what they are given.
 *
 * - A user follows all chats that they are in, from their first socket to their last; their sockets get the same frames.
 * - Each chat and each inbox is a chain: frames go out once and in order of their revisions, gaps are repaired.
 * - A frame is encoded at most three times: full, redacted (its sender is blocked), skipped (below the viewer's bound).
 * - Who follows changes in the order of the frames: a member joins before the frame that says so, and has left after it.
 */
export class Hub extends EventEmitter<HubEvents> {
  readonly #users = new Map<string, HubUser>()
  readonly #feeds = new Map<string, Feed>()
  readonly #bus: Bus
  readonly #source: HubSource
  readonly #log: FastifyBaseLogger

  constructor (bus: Bus, source: HubSource, log: FastifyBaseLogger) {
    super()
    this.#bus = bus
    this.#source = source
    this.#log = log
    bus.subscribe(frame => this.#receive(frame))
  }

  /** Hands committed changes out: to this process and to all others. */
  publish (frames: Frame[]): void {
    this.#bus.publish(frames)
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
    for (const { feed } of user.follows.values()) this.#unview(feed, peer)
    if (user.peers.size > 0) return
    this.#users.delete(user.userId)
    user.inbox.close()
    for (const chatId of [...user.follows.keys()]) this.#unfollow(user, chatId)
    this.emit('gone', user.userId)
  }

  /** The user's sockets here, oldest first. */
  peersOf (userId: string): Peer[] {
    return [...this.#users.get(userId)?.peers ?? []]
  }

  follows (userId: string, chatId: string): boolean {
    return this.#users.get(userId)?.follows.has(chatId) ?? false
  }

  blockedBy (userId: string): ReadonlySet<string> {
    return this.#users.get(userId)?.blocks ?? new Set()
  }

  /** The socket looks at the chat. @returns how many users do, and whether this user did not before */
  view (peer: Peer, chatId: string): { viewerCount: number, first: boolean } {
    const feed = this.#feeds.get(chatId)
    if (!feed || !this.follows(peer.userId, chatId)) return { viewerCount: 0, first: false }
    const first = !this.#views(feed, peer.userId)
    feed.viewers.add(peer)
    return { viewerCount: this.viewersOf(chatId).size, first }
  }

  /** @returns whether it did look */
  unview (peer: Peer, chatId: string): boolean {
    const feed = this.#feeds.get(chatId)
    return feed !== undefined && this.#unview(feed, peer)
  }

  viewersOf (chatId: string): Set<string> {
    return new Set([...this.#feeds.get(chatId)?.viewers ?? []].map(peer => peer.userId))
  }

  isViewing (peer: Peer, chatId: string): boolean {
    return this.#feeds.get(chatId)?.viewers.has(peer) ?? false
  }

  // What the sweep goes through.

  get followedChats (): string[] { return [...this.#feeds.keys()] }
  get connectedUsers (): string[] { return [...this.#users.keys()] }

  /** The database says that the chat is at this revision; null: it is gone. */
  expectChat (chatId: string, revision: number | null): void {
    const feed = this.#feeds.get(chatId)
    if (!feed) return
    if (revision === null) this.#closeFeed(feed)
    else feed.chain.expect(revision)
  }

  expectInbox (userId: string, revision: number): void {
    this.#users.get(userId)?.inbox.expect(revision)
  }

  closeAll (code: number): void {
    for (const user of this.#users.values()) {
      for (const peer of [...user.peers]) peer.close(code)
    }
  }

  #arrive (userId: string): HubUser {
    const user: HubUser = {
      userId,
      peers: new Set(),
      follows: new Map(),
      blocks: new Set(),
      ready: Promise.resolve(),
      inbox: new Chain<InboxFrame>({
        deliver: frame => this.#deliverInbox(user, frame),
        repair: since => this.#repairInbox(user, since),
        onError: err => this.#log.warn({ err, userId }, 'an inbox could not be repaired'),
      }),
    }
    this.#users.set(userId, user) // first, so that the frames that come while it is loading wait
    user.ready = this.#load(user)
    return user
  }

  async #load (user: HubUser): Promise<void> {
    const { inboxRevision, blocks, chats } = await this.#source.loadUser(user.userId)
    if (this.#users.get(user.userId) !== user) return // gone already
    user.blocks = new Set(blocks)
    for (const { chatId, bound, lastRevision, memberCount } of chats) {
      const feed = this.#feed(chatId, memberCount)
      this.#follow(user, feed, bound)
      feed.chain.start(lastRevision)
    }
    user.inbox.start(inboxRevision)
    this.emit('arrived', user.userId)
  }

  #feed (chatId: string, memberCount: number): Feed {
    const existing = this.#feeds.get(chatId)
    if (existing) return existing
    const feed: Feed = {
      chatId,
      memberCount,
      followers: new Map(),
      viewers: new Set(),
      chain: new Chain<ChatFrame>({
        deliver: frame => this.#deliverChat(feed, frame),
        repair: since => this.#repairChat(feed, since),
        onError: err => this.#log.warn({ err, chatId }, 'a chat could not be repaired'),
      }),
    }
    this.#feeds.set(chatId, feed)
    return feed
  }

  #follow (user: HubUser, feed: Feed, bound: number): void {
    const follow = { feed, bound }
    feed.followers.set(user, follow)
    user.follows.set(feed.chatId, follow)
  }

  #unfollow (user: HubUser, chatId: string): void {
    const feed = user.follows.get(chatId)?.feed
    if (!feed) return
    for (const peer of user.peers) this.#unview(feed, peer)
    user.follows.delete(chatId)
    feed.followers.delete(user)
    if (feed.followers.size > 0) return
    feed.chain.close()
    this.#feeds.delete(chatId)
  }

  #views (feed: Feed, userId: string): boolean {
    return [...feed.viewers].some(peer => peer.userId === userId)
  }

  #unview (feed: Feed, peer: Peer): boolean {
    if (!feed.viewers.delete(peer)) return false
    if (!this.#views(feed, peer.userId)) this.emit('unviewed', feed.chatId, peer)
    return true
  }

  #receive (frame: Frame): void {
    if (frame.kind === 'inbox') this.#users.get(frame.userId)?.inbox.accept(frame)
    else if (frame.kind === 'fleeting') this.#deliverFleeting(frame)
    else this.#receiveChat(frame)
  }

  #receiveChat (frame: ChatFrame): void {
    let feed = this.#feeds.get(frame.chatId)
    if (!feed && frame.joined?.userIds.some(userId => this.#users.has(userId))) {
      feed = this.#feed(frame.chatId, 0)
      feed.chain.start(frame.previousRevision)
    }
    feed?.chain.accept(frame)
  }

  #deliverChat (feed: Feed, frame: ChatFrame): void {
    if (frame.closed) return this.#closeFeed(feed)
    for (const userId of frame.joined?.userIds ?? []) {
      const user = this.#users.get(userId)
      if (user) this.#follow(user, feed, frame.joined?.bound ?? 0)
    }
    feed.memberCount += (frame.joined?.userIds.length ?? 0) - (frame.left?.length ?? 0)
    this.#fanOut(feed, frame)
    for (const userId of frame.left ?? []) {
      const user = this.#users.get(userId)
      if (user) this.#unfollow(user, feed.chatId)
    }
  }

  #fanOut (feed: Feed, frame: ChatFrame): void {
    let full: Buffer | undefined
    let redacted: Buffer | undefined
    let skipped: Buffer | undefined
    const { message } = frame
    for (const [user, { bound }] of feed.followers) {
      const bytes = message !== undefined && message.seq <= bound
        ? skipped ??= Buffer.from(skippedFrame(frame))
        : message?.senderId != null && user.blocks.has(message.senderId)
          ? redacted ??= Buffer.from(chatFrame(frame, redactData(frame.data)))
          : full ??= Buffer.from(chatFrame(frame, frame.data))
      for (const peer of user.peers) peer.send(bytes, false)
    }
  }

  #closeFeed (feed: Feed): void {
    const bytes = Buffer.from(plainFrame('chat_deleted', `{"chatId":"${feed.chatId}"}`, feed.chatId))
    for (const user of [...feed.followers.keys()]) {
      for (const peer of user.peers) peer.send(bytes, false)
      this.#unfollow(user, feed.chatId)
    }
  }

  /** Each follower gets `changes` as they may see them. Who is not in the chat any more, follows no longer. */
  async #repairChat (feed: Feed, since: number): Promise<number> {
    this.#log.info({ chatId: feed.chatId, since }, 'repairing a chat')
    for (let reached = since; ;) {
      const pages = await this.#source.changesFor(feed.chatId, [...feed.followers.keys()].map(user => user.userId), reached)
      let lowest = Infinity
      for (const [user] of [...feed.followers]) {
        const page = pages.get(user.userId)
        if (page === undefined) continue // came while it was read
        if (page === null) {
          this.#unfollow(user, feed.chatId)
          continue
        }
        lowest = Math.min(lowest, page.upTo)
        const bytes = Buffer.from(plainFrame('changes', page.data, feed.chatId))
        for (const peer of user.peers) peer.send(bytes, false)
      }
      reached = Math.max(reached, lowest === Infinity ? reached : lowest)
      if (![...pages.values()].some(page => page?.hasMore)) return reached
    }
  }

  #deliverInbox (user: HubUser, { update }: InboxFrame): void {
    if (update.blocks) user.blocks = new Set(update.blocks)
    for (const membership of update.memberships) this.#takeMembership(user, membership)
    for (const chatId of update.removed) this.#unfollow(user, chatId)
    const bytes = Buffer.from(plainFrame('inbox_updated', JSON.stringify(update)))
    for (const peer of user.peers) peer.send(bytes, false)
  }

  #takeMembership (user: HubUser, { chatId, visibleFromSeq, clearedSeq }: Membership): void {
    const bound = Math.max(visibleFromSeq - 1, clearedSeq)
    const follow = user.follows.get(chatId)
    if (follow) {
      follow.bound = bound
      return
    }
    // The chat's own frame that would have brought them in has not come (yet): follow from where the chat is now.
    const feed = this.#feed(chatId, 0)
    this.#follow(user, feed, bound)
    this.#source.heads([chatId]).then(heads => {
      const head = heads.get(chatId)
      if (!head) return
      feed.memberCount = head.memberCount
      feed.chain.start(head.lastRevision)
    }).catch((err: unknown) => {
      this.#log.warn({ err, chatId }, 'a chat could not be followed')
      for (const peer of user.peers) peer.close(CLOSE.INTERNAL) // the client comes back and loads everything
    })
  }

  async #repairInbox (user: HubUser, since: number): Promise<number> {
    const update = await this.#source.inboxSince(user.userId, since)
    if (update.inboxRevision > since) {
      this.#deliverInbox(user, { kind: 'inbox', userId: user.userId, previousRevision: since, revision: update.inboxRevision, update })
    }
    return update.inboxRevision
  }

  #deliverFleeting (frame: FleetingFrame): void {
    const peers = this.#audience(frame)
    if (peers.length === 0) return
    const bytes = Buffer.from(plainFrame(frame.type, frame.data, frame.chatId))
    const { actorId, hiddenFrom } = frame
    for (const peer of peers) {
      const hidden = actorId !== undefined && (peer.userId === actorId || this.blockedBy(peer.userId).has(actorId))
      if (!hidden && !hiddenFrom?.includes(peer.userId)) peer.send(bytes, true)
    }
  }

  #audience ({ chatId, userIds, audience }: FleetingFrame): Peer[] {
    if (userIds) return userIds.flatMap(userId => this.peersOf(userId))
    const feed = chatId === undefined ? undefined : this.#feeds.get(chatId)
    if (!feed) return []
    const onlyViewers = audience === 'viewers' || (audience === 'few' && feed.memberCount > FEW_MEMBERS)
    return onlyViewers ? [...feed.viewers] : [...feed.followers.keys()].flatMap(user => [...user.peers])
  }
}
