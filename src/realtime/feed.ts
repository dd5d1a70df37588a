import type { Chain } from './chain.ts'
import { EncodedFrames, type ChatFrame, type InboxFrame } from './frames.ts'
import type { Peer } from './peer.ts'
import { FEW_MEMBERS } from './protocol.ts'

/** Of the many who block nobody. */
export const NOBODY: ReadonlySet<string> = new Set()

/** A user who has a socket here. */
export class HubUser {
  readonly userId: string
  readonly inbox: Chain<InboxFrame>
  readonly peers = new Set<Peer>()
  /** What they follow. */
  readonly feeds = new Map<string, Feed>()
  blocks = NOBODY
  /** When all this is known. */
  ready: Promise<void> = Promise.resolve()

  constructor (userId: string, inbox: (user: HubUser) => Chain<InboxFrame>) {
    this.userId = userId
    this.inbox = inbox(this)
  }
}

/**
 * A chat that somebody here follows: who they are, from which seq on each of them may see it, and which sockets look at it.
 * A STREAM is followed by those sockets that look at it, and by no other.
 */
export class Feed {
  readonly chatId: string
  readonly chain: Chain<ChatFrame>
  readonly isStream: boolean
  memberCount: number
  /** When other nodes are heard of it; undefined: they are, or there are none. */
  heard: Promise<void> | undefined
  /** When somebody came to follow it, or something was told of it here. */
  activeAt = Date.now()
  readonly #bounds = new Map<HubUser, number>()
  #gathered: ChatFrame[] = []
  readonly #viewers = new Map<string, Set<Peer>>()

  constructor (chatId: string, { memberCount, isStream }: { memberCount: number, isStream: boolean }, chain: (feed: Feed) => Chain<ChatFrame>) {
    this.chatId = chatId
    this.memberCount = memberCount
    this.isStream = isStream
    this.chain = chain(this)
  }

  get followers (): HubUser[] { return [...this.#bounds.keys()] }
  /** Users, not sockets. */
  get followerCount (): number { return this.#bounds.size }
  get isEmpty (): boolean { return this.#bounds.size === 0 }
  /** Users, not sockets. */
  get viewers (): string[] { return [...this.#viewers.keys()] }
  get viewerCount (): number { return this.#viewers.size }

  isViewedBy (userId: string): boolean {
    return this.#viewers.has(userId)
  }

  /** For the first time, or with another bound. */
  follow (user: HubUser, bound: number): void {
    this.flush()
    this.#bounds.set(user, bound)
    user.feeds.set(this.chatId, this)
  }

  unfollow (user: HubUser): void {
    this.flush()
    this.#bounds.delete(user)
    user.feeds.delete(this.chatId)
  }

  /** @returns whether the user did not look with another socket */
  view (peer: Peer): boolean {
    this.flush()
    const peers = this.#viewers.get(peer.userId)
    if (!peers) this.#viewers.set(peer.userId, new Set([peer]))
    else peers.add(peer)
    return !peers
  }

  /** @returns whether the socket did look, and whether it was the user's last one that did */
  unview (peer: Peer): { did: boolean, wasLast: boolean } {
    this.flush()
    const peers = this.#viewers.get(peer.userId)
    const did = peers?.delete(peer) ?? false
    const wasLast = did && peers?.size === 0
    if (wasLast) this.#viewers.delete(peer.userId)
    return { did, wasLast }
  }

  /** The sockets that get the chat's frames. */
  peersOf (user: HubUser): Iterable<Peer> {
    return this.isStream ? this.#viewers.get(user.userId) ?? [] : user.peers
  }

  /** To one of them, as they may see it. */
  sendTo (user: HubUser, bytes: Buffer): void {
    for (const peer of this.peersOf(user)) peer.send(bytes, false)
  }

  /** The frame is for everybody who follows now. They get it with those that come after it in this turn, by `flush`. */
  fanOut (frame: ChatFrame): void {
    this.#gathered.push(frame)
    this.activeAt = Date.now()
  }

  /** Hands out what has been gathered: before anything that they are to get after it, and before it changes who they are and what they see. */
  flush (): void {
    if (this.#gathered.length === 0) return
    const encoded = new EncodedFrames(this.#gathered)
    this.#gathered = []
    for (const [user, bound] of this.#bounds) this.sendTo(user, encoded.for(bound, user.blocks))
  }

  /** Whom a fleeting frame is for. */
  audience (which: 'followers' | 'viewers' | 'few'): Peer[] {
    const onlyViewers = this.isStream || which === 'viewers' || (which === 'few' && this.memberCount > FEW_MEMBERS)
    return onlyViewers ? [...this.#viewers.values()].flatMap(peers => [...peers]) : this.followers.flatMap(user => [...user.peers])
  }
}
