import type { Chain } from './chain.ts'
import { EncodedFrame, type ChatFrame, type InboxFrame } from './frames.ts'
import type { Peer } from './peer.ts'
import { FEW_MEMBERS } from './protocol.ts'

/** A user who has a socket here. */
export interface HubUser {
  readonly userId: string
  readonly peers: Set<Peer>
  readonly feeds: Map<string, Feed>
  readonly inbox: Chain<InboxFrame>
  blocks: ReadonlySet<string>
  ready: Promise<void>
}

/** A chat that somebody here follows: who they are, from which seq on each of them may see it, and which sockets look at it. */
export class Feed {
  readonly chatId: string
  readonly chain: Chain<ChatFrame>
  memberCount: number
  readonly #bounds = new Map<HubUser, number>()
  readonly #viewers = new Set<Peer>()

  constructor (chatId: string, memberCount: number, chain: (feed: Feed) => Chain<ChatFrame>) {
    this.chatId = chatId
    this.memberCount = memberCount
    this.chain = chain(this)
  }

  get followers (): HubUser[] { return [...this.#bounds.keys()] }
  get isEmpty (): boolean { return this.#bounds.size === 0 }
  get viewers (): ReadonlySet<Peer> { return this.#viewers }

  /** For the first time, or with another bound. */
  follow (user: HubUser, bound: number): void {
    this.#bounds.set(user, bound)
    user.feeds.set(this.chatId, this)
  }

  unfollow (user: HubUser): void {
    this.#bounds.delete(user)
    user.feeds.delete(this.chatId)
  }

  /** @returns whether the user did not look with another socket */
  view (peer: Peer): boolean {
    const isFirst = !this.#isViewedBy(peer.userId)
    this.#viewers.add(peer)
    return isFirst
  }

  /** @returns whether the socket did look, and whether it was the user's last one that did */
  unview (peer: Peer): { did: boolean, wasLast: boolean } {
    const did = this.#viewers.delete(peer)
    return { did, wasLast: did && !this.#isViewedBy(peer.userId) }
  }

  #isViewedBy (userId: string): boolean {
    return [...this.#viewers].some(viewer => viewer.userId === userId)
  }

  /** The frame for everybody who follows, encoded once for all who may see the same of it. */
  fanOut (frame: ChatFrame): void {
    const encoded = new EncodedFrame(frame)
    for (const [user, bound] of this.#bounds) {
      const bytes = encoded.for(bound, user.blocks)
      for (const peer of user.peers) peer.send(bytes, false)
    }
  }

  /** Whom a fleeting frame is for. */
  audience (which: 'followers' | 'viewers' | 'few'): Iterable<Peer> {
    const onlyViewers = which === 'viewers' || (which === 'few' && this.memberCount > FEW_MEMBERS)
    return onlyViewers ? this.#viewers : this.followers.flatMap(user => [...user.peers])
  }
}
