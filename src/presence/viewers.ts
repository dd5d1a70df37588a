import type { Hub } from '../realtime/hub.ts'

/** Beyond so many viewers nobody is told of single ones, but of their number, so often. */
const LIMITS = { maxAnnounced: 200, countEveryMs: 5_000 }

/** Tells those who look at a chat who else comes and goes, as far as they show themselves. Nothing of it is kept. */
export class Viewers {
  readonly #hub: Hub
  readonly #hidden: { readonly invisible: ReadonlySet<string> }
  readonly #limits: typeof LIMITS
  /** Chats whose number of viewers has changed since it was told. */
  readonly #changed = new Set<string>()
  /** Who has come without being told of, and goes so. */
  readonly #quiet = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor (hub: Hub, hidden: { readonly invisible: ReadonlySet<string> }, limits = LIMITS) {
    this.#hub = hub
    this.#hidden = hidden
    this.#limits = limits
    hub.roster.on('unviewed', (chatId, userId) => {
      if (!this.#quiet.delete(`${chatId} ${userId}`)) this.#tellUnlessHidden('user_left_chat', userId, chatId)
    })
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

  /** How many look at the chat: the one who asks, and those who show it. */
  count (chatId: string, viewerId?: string): number {
    const hidden = [...this.#hidden.invisible].filter(userId => userId !== viewerId && this.#hub.roster.views(userId, chatId))
    return this.#hub.roster.viewerCount(chatId) - hidden.length
  }

  close (): void {
    clearTimeout(this.#timer)
  }

  #tellUnlessHidden (type: 'user_joined_chat' | 'user_left_chat', userId: string, chatId: string): void {
    if (!this.#hidden.invisible.has(userId)) this.#tell(type, userId, chatId)
  }

  #tell (type: 'user_joined_chat' | 'user_left_chat', userId: string, chatId: string): void {
    if (this.#hub.roster.viewerCount(chatId) > this.#limits.maxAnnounced) return this.#countLater(chatId)
    const data = JSON.stringify({ userId, at: new Date().toISOString() })
    this.#hub.publish([{ kind: 'fleeting', type, chatId, data, audience: 'viewers', actorId: userId, hiddenFrom: [...this.#hub.roster.blockedBy(userId)] }])
  }

  #countLater (chatId: string): void {
    this.#changed.add(chatId)
    this.#timer ??= setTimeout(() => this.#count(), this.#limits.countEveryMs).unref()
  }

  #count (): void {
    this.#timer = undefined
    for (const chatId of this.#changed) {
      const data = JSON.stringify({ viewerCount: this.count(chatId), at: new Date().toISOString() })
      this.#hub.publish([{ kind: 'fleeting', type: 'viewer_count', chatId, data, audience: 'viewers' }])
    }
    this.#changed.clear()
  }
}
