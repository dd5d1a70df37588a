import type { Hub } from '../realtime/hub.ts'

/** Beyond so many viewers nobody is told of single ones, but of their number, so often. */
const LIMITS = { maxAnnounced: 200, countEveryMs: 5_000 }

/** Tells those who look at a chat who else comes and goes. Nothing of it is kept. */
export class Viewers {
  readonly #hub: Hub
  readonly #limits: typeof LIMITS
  /** Chats whose number of viewers has changed since it was told. */
  readonly #changed = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor (hub: Hub, limits = LIMITS) {
    this.#hub = hub
    this.#limits = limits
    hub.on('unviewed', (chatId, userId) => this.#tell('user_left_chat', userId, chatId))
  }

  joined (userId: string, chatId: string): void {
    this.#tell('user_joined_chat', userId, chatId)
  }

  close (): void {
    clearTimeout(this.#timer)
  }

  #tell (type: 'user_joined_chat' | 'user_left_chat', userId: string, chatId: string): void {
    if (this.#hub.viewerCount(chatId) > this.#limits.maxAnnounced) return this.#countLater(chatId)
    const data = JSON.stringify({ userId, at: new Date().toISOString() })
    this.#hub.publish([{ kind: 'fleeting', type, chatId, data, audience: 'viewers', actorId: userId, hiddenFrom: [...this.#hub.blockedBy(userId)] }])
  }

  #countLater (chatId: string): void {
    this.#changed.add(chatId)
    this.#timer ??= setTimeout(() => this.#count(), this.#limits.countEveryMs).unref()
  }

  #count (): void {
    this.#timer = undefined
    for (const chatId of this.#changed) {
      const data = JSON.stringify({ viewerCount: this.#hub.viewerCount(chatId), at: new Date().toISOString() })
      this.#hub.publish([{ kind: 'fleeting', type: 'viewer_count', chatId, data, audience: 'viewers' }])
    }
    this.#changed.clear()
  }
}
