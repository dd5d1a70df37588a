import { randomUUID } from 'node:crypto'
import type { FleetingFrame, ViewersFrame } from '../realtime/frames.ts'
import type { Hub } from '../realtime/hub.ts'
import { Elsewhere } from './elsewhere.ts'

/** Beyond so many viewers nobody is told of single ones, but of their number, so often. Nodes tell each other theirs when it changes, and again so often. */
const LIMITS = { maxAnnounced: 200, countEveryMs: 5_000, renewEveryMs: 30_000 }

/** Tells those who look at a chat who else comes and goes, as far as they show themselves. Nothing of it is kept. */
export class Viewers {
  readonly #hub: Hub
  readonly #hidden: { readonly invisible: ReadonlySet<string> }
  readonly #limits: typeof LIMITS
  readonly #node = randomUUID()
  readonly #elsewhere = new Elsewhere()
  /** Chats whose number of viewers has changed since it was told. */
  readonly #changed = new Set<string>()
  /** Who has come without being told of, and goes so. */
  readonly #quiet = new Set<string>()
  readonly #renewal: NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined

  constructor (hub: Hub, hidden: { readonly invisible: ReadonlySet<string> }, limits: Partial<typeof LIMITS> = {}) {
    this.#hub = hub
    this.#hidden = hidden
    this.#limits = { ...LIMITS, ...limits }
    hub.roster.on('unviewed', (chatId, userId) => {
      if (!this.#quiet.delete(`${chatId} ${userId}`)) this.#tellUnlessHidden('user_left_chat', userId, chatId)
    })
    hub.on('viewers', frame => this.#hear(frame))
    this.#renewal = setInterval(() => this.#renew(), this.#limits.renewEveryMs).unref()
  }

  joined (userId: string, chatId: string, { quietly = false } = {}): void {
    if (quietly) this.#quiet.add(`${chatId} ${userId}`)
    else this.#tellUnlessHidden('user_joined_chat', userId, chatId)
  }

  /** Who turns invisible has gone, as far as others know; and comes when they show themselves again. */
  shown (userId: string, isShown: boolean): void {
    for (const chatId of this.#hub.roster.chatsViewedBy(userId)) {
      if (!this.#quiet.has(`${chatId} ${userId}`)) this.#tell(isShown ? 'user_joined_chat' : 'user_left_chat', userId, chatId)
    }
  }

  /** How many look at the chat, on all nodes: the one who asks, and those who show it. Who looks on two nodes counts twice. */
  count (chatId: string, viewerId?: string): number {
    return this.#here(chatId, viewerId) + this.#elsewhere.count(chatId)
  }

  close (): void {
    clearTimeout(this.#timer)
    clearInterval(this.#renewal)
  }

  #here (chatId: string, viewerId?: string): number {
    const hidden = [...this.#hidden.invisible].filter(userId => userId !== viewerId && this.#hub.roster.views(userId, chatId))
    return this.#hub.roster.viewerCount(chatId) - hidden.length
  }

  #tellUnlessHidden (type: 'user_joined_chat' | 'user_left_chat', userId: string, chatId: string): void {
    if (!this.#hidden.invisible.has(userId)) this.#tell(type, userId, chatId)
  }

  #tell (type: 'user_joined_chat' | 'user_left_chat', userId: string, chatId: string): void {
    if (this.#isCrowd(chatId)) return this.#countLater(chatId)
    const data = JSON.stringify({ userId, at: new Date().toISOString() })
    const frame: FleetingFrame = { kind: 'fleeting', type, chatId, data, audience: 'viewers', actorId: userId, hiddenFrom: [...this.#hub.roster.blockedBy(userId)] }
    this.#hub.publish([frame, this.#said(chatId)])
  }

  #isCrowd (chatId: string): boolean {
    return this.#hub.roster.viewerCount(chatId) + this.#elsewhere.count(chatId) > this.#limits.maxAnnounced
  }

  #said (chatId: string): ViewersFrame {
    return { kind: 'viewers', chatId, node: this.#node, count: this.#here(chatId) }
  }

  /** Of another node, which has told its own viewers. */
  #hear (frame: ViewersFrame): void {
    if (frame.node === this.#node) return
    const before = this.#elsewhere.count(frame.chatId)
    this.#elsewhere.heard(frame)
    if (this.#elsewhere.count(frame.chatId) !== before && this.#isCrowd(frame.chatId)) this.#countLater(frame.chatId)
  }

  /** Also for nodes that have come to a chat since. */
  #renew (): void {
    this.#elsewhere.tidy()
    const { roster } = this.#hub
    this.#hub.publish(roster.followedChats.filter(chatId => roster.viewerCount(chatId) > 0).map(chatId => this.#said(chatId)))
  }

  #countLater (chatId: string): void {
    this.#changed.add(chatId)
    this.#timer ??= setTimeout(() => this.#count(), this.#limits.countEveryMs).unref()
  }

  #count (): void {
    this.#timer = undefined
    for (const chatId of this.#changed) {
      this.#hub.publish([this.#said(chatId)])
      const data = JSON.stringify({ viewerCount: this.count(chatId), at: new Date().toISOString() })
      this.#hub.tellHere({ kind: 'fleeting', type: 'viewer_count', chatId, data, audience: 'viewers' })
    }
    this.#changed.clear()
  }
}
