import { EventEmitter } from 'node:events'
import type { FastifyBaseLogger } from 'fastify'
import type { Membership } from '../chats/schemas.ts'
import type { InboxUpdate } from '../sync/schemas.ts'
import type { Bus } from './bus/bus.ts'
import { Chain } from './chain.ts'
import type { Feed, HubUser } from './feed.ts'
import { encodeFleeting, type ChatFrame, type ExpelFrame, type FleetingFrame, type Frame, type HintFrame, type InboxFrame, type ViewersFrame } from './frames.ts'
import { encodeFrame, plainFrame } from './protocol.ts'
import { Repairs } from './repairs.ts'
import { Roster } from './roster.ts'
import { Rounds } from './rounds.ts'
import type { HubSource } from './source.ts'

interface HubEvents {
  /** Those who follow the chat have been given a frame, so many users here; or, after a gap, what has changed since a revision. */
  delivered: [frame: ChatFrame, memberCount: number, followerCount: number]
  repaired: [chatId: string, since: number, memberCount: number]
  /** The user's sockets here are being closed: what is remembered of them counts no longer. */
  expelled: [userId: string]
  /** What nodes say of their viewers, this one included. */
  viewers: [frame: ViewersFrame]
}

/**
 * What the sockets of this process are given: committed changes in, frames out.
 *
 * - All sockets of a user get the same frames.
 * - Each chat and each inbox is a chain: frames go out once and in order of their revisions, gaps are repaired.
 * - A frame is encoded at most three times: full, redacted (its sender is blocked), skipped (below the viewer's bound).
 * - Who follows changes in the order of the frames: a member joins before the frame that says so, and has left after it.
 */
export class Hub extends EventEmitter<HubEvents> {
  /** Who is here, and follows what. */
  readonly roster: Roster
  readonly #bus: Bus
  readonly #source: HubSource
  readonly #repairs: Repairs
  readonly #rounds: Rounds
  readonly #gathering = new Set<Feed>()

  constructor (bus: Bus, source: HubSource, log: FastifyBaseLogger, rounds = new Rounds()) {
    super()
    this.#bus = bus
    this.#source = source
    this.#rounds = rounds
    this.roster = new Roster(bus, source, {
      ofChat: feed => new Chain<ChatFrame>({
        deliver: frame => this.#deliverChat(feed, frame),
        repair: since => this.#repairs.ofChat(feed, since),
        onError: err => log.warn({ err, chatId: feed.chatId }, 'a chat could not be repaired'),
      }),
      ofInbox: user => new Chain<InboxFrame>({
        deliver: frame => this.#deliverInbox(user, frame.update),
        repair: since => this.#repairInbox(user, since),
        onError: err => log.warn({ err, userId: user.userId }, 'an inbox could not be repaired'),
      }),
    })
    this.#repairs = new Repairs({
      roster: this.roster,
      source,
      onGone: feed => this.#closeFeed(feed),
      onRepaired: (feed, since) => this.emit('repaired', feed.chatId, since, feed.memberCount),
      log,
    })
    bus.subscribe(frame => this.#receive(frame))
  }

  /** Hands committed changes out: to this process and to all others. */
  publish (frames: Frame[]): void {
    const now = Date.now()
    for (const frame of frames) if (frame.kind === 'chat') frame.at = now
    this.#bus.publish(frames)
  }

  /** Hands out to this process alone: what every process finds out for its own sockets. */
  tellHere (frame: FleetingFrame): void {
    this.#deliverFleeting(frame)
  }

  /** The database says that the chat is at this revision; null: it is gone. */
  expectChat (chatId: string, revision: number | null): void {
    const feed = this.roster.feed(chatId)
    if (!feed) return
    if (revision === null) this.#closeFeed(feed)
    else feed.chain.expect(revision)
  }

  expectInbox (userId: string, revision: number): void {
    this.roster.user(userId)?.inbox.expect(revision)
  }

  /** Something may have been committed that has not been told: it is looked up, as soon as the database can be asked. */
  doubt ({ chatId, inboxes = [] }: { chatId?: string, inboxes?: string[] }): void {
    const chains = [chatId === undefined ? undefined : this.roster.feed(chatId.toLowerCase())?.chain, ...inboxes.map(userId => this.roster.user(userId)?.inbox)]
    for (const chain of chains) chain?.expect(chain.delivered + 1)
  }

  /** Hands out the frames that have been gathered. */
  flush (): void {
    for (const feed of this.#gathering) feed.flush()
    this.#gathering.clear()
  }

  #receive (frame: Frame): void {
    if (frame.kind === 'inbox') this.roster.user(frame.userId)?.inbox.accept(frame)
    else if (frame.kind === 'fleeting') this.#deliverFleeting(frame)
    else if (frame.kind === 'chat') this.#receiveChat(frame)
    else if (frame.kind === 'hint') this.pull(frame)
    else if (frame.kind === 'viewers') this.emit('viewers', frame)
    else this.#expel(frame)
  }

  /** Something is committed of which no frame comes: it is read at once. */
  pull ({ chatId, userId, revision }: HintFrame): void {
    if (chatId !== undefined) this.roster.feed(chatId)?.chain.pull(revision)
    else this.roster.user(userId)?.inbox.pull(revision)
  }

  #expel ({ userId, code }: ExpelFrame): void {
    this.emit('expelled', userId)
    this.roster.closeUser(userId, code)
  }

  #receiveChat (frame: ChatFrame): void {
    let feed = this.roster.feed(frame.chatId)
    if (!feed && frame.joined?.userIds.some(userId => this.roster.isHere(userId))) {
      feed = this.roster.feedFor(frame.chatId)
      feed.chain.start(frame.previousRevision)
      if (feed.heard) void this.#repairs.upToHead(feed) // what other nodes say of it before that is not heard
    }
    feed?.chain.accept(frame)
  }

  #deliverChat (feed: Feed, frame: ChatFrame): void {
    if (frame.closed) return this.#closeFeed(feed)
    for (const user of this.#usersHere(frame.joined?.userIds)) feed.follow(user, frame.joined?.bound ?? 0)
    feed.memberCount = frame.memberCount ?? feed.memberCount
    this.#gather(feed, frame)
    for (const user of this.#usersHere(frame.left)) this.roster.unfollow(user, feed)
    this.emit('delivered', frame, feed.memberCount, feed.followerCount)
  }

  /** What comes together goes out together: at the end of the turn, or before what has to come after it. */
  #gather (feed: Feed, frame: ChatFrame): void {
    if (this.#gathering.size === 0) this.#rounds.add(this)
    this.#gathering.add(feed)
    feed.fanOut(frame)
  }

  #usersHere (userIds: string[] = []): HubUser[] {
    return userIds.flatMap(userId => this.roster.user(userId) ?? [])
  }

  #closeFeed (feed: Feed): void {
    feed.flush()
    const bytes = encodeFrame(plainFrame('chat_deleted', `{"chatId":"${feed.chatId}"}`, feed.chatId))
    for (const user of feed.followers) {
      feed.sendTo(user, bytes)
      this.roster.unfollow(user, feed)
    }
  }

  #deliverInbox (user: HubUser, update: InboxUpdate): void {
    this.flush()
    if (update.blocks) user.blocks = new Set(update.blocks)
    for (const membership of update.memberships) if (membership.state === 'JOINED') this.#takeMembership(user, membership)
    for (const chatId of update.removed) {
      const feed = user.feeds.get(chatId)
      if (feed) this.roster.unfollow(user, feed)
    }
    const bytes = encodeFrame(plainFrame('inbox_updated', JSON.stringify(update)))
    for (const peer of user.peers) peer.send(bytes, false)
  }

  #takeMembership (user: HubUser, { chatId, visibleFromSeq, clearedSeq, joinRevision }: Membership): void {
    const isNew = this.roster.feed(chatId) === undefined
    const feed = this.roster.feedFor(chatId)
    feed.follow(user, Math.max(visibleFromSeq - 1, clearedSeq))
    if (!isNew) return
    // The chat's own frame that would have brought them in has not come (yet). Their client loads the chat as soon as it
    // hears of the membership, perhaps before the head is read here: what was committed in between has to be told, too.
    feed.chain.start(joinRevision)
    void this.#repairs.upToHead(feed)
  }

  async #repairInbox (user: HubUser, since: number): Promise<number> {
    const update = await this.#source.inboxSince(user.userId, since)
    if (update.inboxRevision > since) this.#deliverInbox(user, update)
    return update.inboxRevision
  }

  #deliverFleeting (frame: FleetingFrame): void {
    const { chatId, userIds, audience = 'followers', actorId, toActor = false, hiddenFrom } = frame
    const feed = chatId === undefined ? undefined : this.roster.feed(chatId)
    feed?.flush()
    const peers = userIds ? userIds.flatMap(userId => this.roster.peersOf(userId)) : feed?.audience(audience) ?? []
    for (const peer of peers) {
      const isOwn = peer.userId === actorId && !toActor
      const isBlocked = actorId !== undefined && this.roster.blockedBy(peer.userId).has(actorId)
      if (!isOwn && !isBlocked && !hiddenFrom?.includes(peer.userId)) peer.send(encodeFleeting(frame), true)
    }
  }
}
