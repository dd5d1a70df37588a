import { EventEmitter } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Membership } from '../chats/schemas.ts'
import type { InboxUpdate } from '../sync/schemas.ts'
import type { Bus } from './bus/bus.ts'
import { Chain } from './chain.ts'
import { Feed, type HubUser } from './feed.ts'
import type { ChatFrame, FleetingFrame, Frame, InboxFrame } from './frames.ts'
import type { Peer } from './peer.ts'
import { encodeFrame, plainFrame } from './protocol.ts'
import { Rounds } from './rounds.ts'
import type { HubSource } from './source.ts'

/** Where the head of a chat that somebody has come into could not be read. */
const HEAD_RETRY_MS = 1_000

/** Of the many who block nobody. */
const NOBODY: ReadonlySet<string> = new Set()

interface HubEvents {
  /** The user's first socket here has come, the last one has gone. */
  arrived: [userId: string]
  gone: [userId: string]
  /** A user looks at a chat no longer. */
  unviewed: [chatId: string, userId: string]
  /** Those who follow the chat have been given a frame; or, after a gap, what has changed since a revision. */
  delivered: [frame: ChatFrame, memberCount: number]
  repaired: [chatId: string, since: number, memberCount: number]
}

/**
 * Which sockets of this process want which chats, and what they are given.
 *
 * - A user follows all chats that they are in, from their first socket to their last; their sockets get the same frames.
 * - Each chat and each inbox is a chain: frames go out once and in order of their revisions, gaps are repaired.
 * - A frame is encoded at most three times: full, redacted (its sender is blocked), skipped (below the viewer's bound).
 * - A STREAM is followed by those sockets that look at it.
 * - Who follows changes in the order of the frames: a member joins before the frame that says so, and has left after it.
 */
export class Hub extends EventEmitter<HubEvents> {
  readonly #users = new Map<string, HubUser>()
  readonly #feeds = new Map<string, Feed>()
  readonly #gathering = new Set<Feed>()
  readonly #rounds: Rounds
  readonly #bus: Bus
  readonly #source: HubSource
  readonly #log: FastifyBaseLogger

  constructor (bus: Bus, source: HubSource, log: FastifyBaseLogger, rounds = new Rounds()) {
    super()
    this.#bus = bus
    this.#rounds = rounds
    this.#source = source
    this.#log = log
    bus.subscribe(frame => this.#receive(frame))
  }

  /** Hands committed changes out: to this process and to all others. */
  publish (frames: Frame[]): void {
    this.#bus.publish(frames)
  }

  /** Hands out to this process alone: what every process finds out for its own sockets. */
  tellHere (frame: FleetingFrame): void {
    this.#deliverFleeting(frame)
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
    user.inbox.close()
    for (const feed of [...user.feeds.values()]) this.#unfollow(user, feed)
    this.emit('gone', user.userId)
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
    const feed = this.#feed(chatId, { memberCount, isStream: true })
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

  /** Whether the user looks at the chat with one of their sockets here. */
  views (userId: string, chatId: string): boolean {
    return this.#feeds.get(chatId)?.isViewedBy(userId) ?? false
  }

  chatsViewedBy (userId: string): string[] {
    return [...this.#users.get(userId)?.feeds.keys() ?? []].filter(chatId => this.views(userId, chatId))
  }

  viewerCount (chatId: string): number {
    return this.#feeds.get(chatId)?.viewerCount ?? 0
  }

  /** The users here who follow the chat and do not look at it, with any socket. */
  absentFollowersOf (chatId: string): string[] {
    const viewers = this.viewersOf(chatId)
    return this.#feeds.get(chatId)?.followers.map(user => user.userId).filter(userId => !viewers.has(userId)) ?? []
  }

  // What the sweep goes through, and what it finds.

  get followedChats (): string[] { return [...this.#feeds.keys()] }
  get connectedUsers (): string[] { return [...this.#users.keys()] }

  /** Up to where the chat's frames, the user's inbox have been delivered here. */
  deliveredOf (chatId: string): number | undefined {
    return this.#feeds.get(chatId)?.chain.delivered
  }

  deliveredInbox (userId: string): number | undefined {
    return this.#users.get(userId)?.inbox.delivered
  }

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

  /** Something may have been committed that has not been told: it is looked up, as soon as the database can be asked. */
  doubt ({ chatId, inboxes = [] }: { chatId?: string, inboxes?: string[] }): void {
    const chains = [chatId === undefined ? undefined : this.#feeds.get(chatId.toLowerCase())?.chain, ...inboxes.map(userId => this.#users.get(userId)?.inbox)]
    for (const chain of chains) chain?.expect(chain.delivered + 1)
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

  closeUser (userId: string, code: number): void {
    for (const peer of this.peersOf(userId)) peer.close(code)
  }

  #arrive (userId: string): HubUser {
    const user: HubUser = {
      userId,
      peers: new Set(),
      feeds: new Map(),
      blocks: NOBODY,
      ready: Promise.resolve(),
      inbox: new Chain<InboxFrame>({
        deliver: frame => this.#deliverInbox(user, frame.update),
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
    if (blocks.length > 0) user.blocks = new Set(blocks)
    for (const { chatId, bound, lastRevision, memberCount } of chats) {
      const feed = this.#feed(chatId, { memberCount })
      feed.follow(user, bound)
      feed.chain.start(lastRevision)
    }
    user.inbox.start(inboxRevision)
    this.emit('arrived', user.userId)
  }

  #feed (chatId: string, { memberCount = 0, isStream = false } = {}): Feed {
    const existing = this.#feeds.get(chatId)
    if (existing) return existing
    const feed = new Feed(chatId, { memberCount, isStream }, feed => new Chain<ChatFrame>({
      deliver: frame => this.#deliverChat(feed, frame),
      repair: since => this.#repairChat(feed, since),
      onError: err => this.#log.warn({ err, chatId }, 'a chat could not be repaired'),
    }))
    this.#feeds.set(chatId, feed)
    return feed
  }

  #unfollow (user: HubUser, feed: Feed): void {
    for (const peer of user.peers) this.#unview(feed, peer)
    feed.unfollow(user)
    if (!feed.isEmpty) return
    feed.chain.close()
    this.#feeds.delete(feed.chatId)
  }

  #unview (feed: Feed, peer: Peer): boolean {
    const { did, wasLast } = feed.unview(peer)
    if (wasLast) this.emit('unviewed', feed.chatId, peer.userId)
    const user = this.#users.get(peer.userId)
    if (wasLast && feed.isStream && user) this.#unfollow(user, feed)
    return did
  }

  #receive (frame: Frame): void {
    if (frame.kind === 'inbox') this.#users.get(frame.userId)?.inbox.accept(frame)
    else if (frame.kind === 'fleeting') this.#deliverFleeting(frame)
    else this.#receiveChat(frame)
  }

  #receiveChat (frame: ChatFrame): void {
    let feed = this.#feeds.get(frame.chatId)
    if (!feed && frame.joined?.userIds.some(userId => this.#users.has(userId))) {
      feed = this.#feed(frame.chatId)
      feed.chain.start(frame.previousRevision)
    }
    feed?.chain.accept(frame)
  }

  #deliverChat (feed: Feed, frame: ChatFrame): void {
    if (frame.closed) return this.#closeFeed(feed)
    for (const user of this.#usersHere(frame.joined?.userIds)) feed.follow(user, frame.joined?.bound ?? 0)
    feed.memberCount = frame.memberCount ?? feed.memberCount
    this.#gather(feed, frame)
    for (const user of this.#usersHere(frame.left)) this.#unfollow(user, feed)
    this.emit('delivered', frame, feed.memberCount)
  }

  /** What comes together goes out together: at the end of the turn, or before what has to come after it. */
  #gather (feed: Feed, frame: ChatFrame): void {
    if (this.#gathering.size === 0) this.#rounds.add(this)
    this.#gathering.add(feed)
    feed.fanOut(frame)
  }

  /** Hands out the frames that have been gathered. */
  flush (): void {
    for (const feed of this.#gathering) feed.flush()
    this.#gathering.clear()
  }

  #usersHere (userIds: string[] = []): HubUser[] {
    return userIds.flatMap(userId => this.#users.get(userId) ?? [])
  }

  #closeFeed (feed: Feed): void {
    feed.flush()
    const bytes = encodeFrame(plainFrame('chat_deleted', `{"chatId":"${feed.chatId}"}`, feed.chatId))
    for (const user of feed.followers) {
      this.#sendTo(feed.peersOf(user), bytes)
      this.#unfollow(user, feed)
    }
  }

  /** Each follower gets `changes` as they may see them. Who is not in the chat any more follows no longer. */
  async #repairChat (feed: Feed, since: number): Promise<number> {
    this.#log.info({ chatId: feed.chatId, since }, 'repairing a chat')
    for (let reached = since; ;) {
      const pages = await this.#source.changesFor(feed.chatId, feed.followers.map(user => user.userId), reached)
      if ([...pages.values()].every(page => page === null) && !(await this.#source.heads([feed.chatId])).has(feed.chatId)) {
        this.#closeFeed(feed) // not they have left it: it is gone
        return reached
      }
      let lowest = Infinity
      feed.flush()
      for (const user of feed.followers) {
        const page = pages.get(user.userId)
        if (page) {
          lowest = Math.min(lowest, page.upTo)
          this.#sendTo(feed.peersOf(user), encodeFrame(plainFrame('changes', page.data, feed.chatId)))
        } else if (page === null) { // else they came while it was read
          this.#unfollow(user, feed)
        }
      }
      if (lowest !== Infinity) reached = Math.max(reached, lowest)
      if ([...pages.values()].some(page => page?.hasMore)) continue
      this.emit('repaired', feed.chatId, since, feed.memberCount)
      return reached
    }
  }

  #deliverInbox (user: HubUser, update: InboxUpdate): void {
    this.flush()
    if (update.blocks) user.blocks = new Set(update.blocks)
    for (const membership of update.memberships) if (membership.state === 'JOINED') this.#takeMembership(user, membership)
    for (const chatId of update.removed) {
      const feed = user.feeds.get(chatId)
      if (feed) this.#unfollow(user, feed)
    }
    this.#sendTo(user.peers, encodeFrame(plainFrame('inbox_updated', JSON.stringify(update))))
  }

  #takeMembership (user: HubUser, { chatId, visibleFromSeq, clearedSeq, joinRevision }: Membership): void {
    const isNew = !this.#feeds.has(chatId)
    const feed = this.#feed(chatId)
    feed.follow(user, Math.max(visibleFromSeq - 1, clearedSeq))
    if (!isNew) return
    // The chat's own frame that would have brought them in has not come (yet). Their client loads the chat as soon as it
    // hears of the membership, perhaps before the head is read here: what was committed in between has to be told, too.
    feed.chain.start(joinRevision)
    void this.#catchUpWithHead(feed)
  }

  async #catchUpWithHead (feed: Feed): Promise<void> {
    while (this.#feeds.get(feed.chatId) === feed) {
      try {
        const head = (await this.#source.heads([feed.chatId])).get(feed.chatId)
        if (!head) return
        feed.memberCount = head.memberCount
        return feed.chain.expect(head.lastRevision)
      } catch (err) { // the database is away: no reason to lose a socket
        this.#log.warn({ err, chatId: feed.chatId }, 'a chat could not be followed yet')
        await setTimeout(HEAD_RETRY_MS, undefined, { ref: false })
      }
    }
  }

  async #repairInbox (user: HubUser, since: number): Promise<number> {
    const update = await this.#source.inboxSince(user.userId, since)
    if (update.inboxRevision > since) this.#deliverInbox(user, update)
    return update.inboxRevision
  }

  #deliverFleeting ({ type, data, chatId, userIds, audience = 'followers', actorId, toActor = false, hiddenFrom }: FleetingFrame): void {
    const feed = chatId === undefined ? undefined : this.#feeds.get(chatId)
    feed?.flush()
    const peers = userIds ? userIds.flatMap(userId => this.peersOf(userId)) : feed?.audience(audience) ?? []
    let bytes: Buffer | undefined
    for (const peer of peers) {
      const isOwn = peer.userId === actorId && !toActor
      const isBlocked = actorId !== undefined && this.blockedBy(peer.userId).has(actorId)
      if (!isOwn && !isBlocked && !hiddenFrom?.includes(peer.userId)) peer.send(bytes ??= encodeFrame(plainFrame(type, data, chatId)), true)
    }
  }

  #sendTo (peers: Iterable<Peer>, bytes: Buffer): void {
    for (const peer of peers) peer.send(bytes, false)
  }
}
