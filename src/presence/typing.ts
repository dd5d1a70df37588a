import type { Hub } from '../realtime/hub.ts'

/** "Still typing" is not said again within this time. */
const QUIET_MS = 2_000

interface Typist { chatId: string, userId: string, announcedAt: number, timer: NodeJS.Timeout }

/** Who is typing where; stopped by itself when it is not renewed. Nothing of it is kept. */
export class Typing {
  readonly #hub: Hub
  readonly #timeoutMs: number
  readonly #typists = new Map<string, Typist>()

  constructor (hub: Hub, timeoutMs: number) {
    this.#hub = hub
    this.#timeoutMs = timeoutMs
    hub.on('gone', userId => this.#stopAll(userId))
  }

  start (userId: string, chatId: string): void {
    const key = `${chatId} ${userId}`
    const typist = this.#typists.get(key)
    clearTimeout(typist?.timer)
    const isDue = !typist || Date.now() - typist.announcedAt >= QUIET_MS
    const timer = setTimeout(() => this.stop(userId, chatId), this.#timeoutMs).unref()
    this.#typists.set(key, { chatId, userId, timer, announcedAt: isDue ? Date.now() : typist.announcedAt })
    if (isDue) this.#announce('user_typing', userId, chatId)
  }

  stop (userId: string, chatId: string): void {
    const key = `${chatId} ${userId}`
    const typist = this.#typists.get(key)
    if (!typist) return
    clearTimeout(typist.timer)
    this.#typists.delete(key)
    this.#announce('user_stopped_typing', userId, chatId)
  }

  close (): void {
    for (const { timer } of this.#typists.values()) clearTimeout(timer)
    this.#typists.clear()
  }

  #stopAll (userId: string): void {
    for (const typist of this.#typists.values()) if (typist.userId === userId) this.stop(userId, typist.chatId)
  }

  #announce (type: 'user_typing' | 'user_stopped_typing', userId: string, chatId: string): void {
    const data = JSON.stringify({ userId, at: new Date().toISOString() })
    this.#hub.publish([{ kind: 'fleeting', type, chatId, data, audience: 'few', actorId: userId, hiddenFrom: [...this.#hub.blockedBy(userId)] }])
  }
}
