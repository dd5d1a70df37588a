import type { Hub } from '../realtime/hub.ts'

/** "Typing" is not said again within this time, whatever happens in between. */
const QUIET_MS = 2_000

interface Typist {
  chatId: string
  userId: string
  isTyping: boolean
  /** When others were last told that they type; */
  announcedAt: number
  /** and whether they were not told since that they have stopped. */
  isAnnounced: boolean
  /** Ends the typing that is not renewed. */
  timeout: NodeJS.Timeout | undefined
  /** At the end of the quiet time: tells who types (again), forgets who does not. */
  quiet: NodeJS.Timeout | undefined
}

/** Who is typing where; stopped by itself when it is not renewed. Nothing of it is kept. */
export class Typing {
  readonly #hub: Hub
  readonly #timeoutMs: number
  readonly #typists = new Map<string, Typist>()

  constructor (hub: Hub, timeoutMs: number) {
    this.#hub = hub
    this.#timeoutMs = timeoutMs
    hub.roster.on('gone', userId => this.stopAll(userId))
  }

  start (userId: string, chatId: string): void {
    const key = `${chatId} ${userId}`
    const typist = this.#typists.get(key) ?? { chatId, userId, isTyping: false, announcedAt: 0, isAnnounced: false, timeout: undefined, quiet: undefined }
    this.#typists.set(key, typist)
    clearTimeout(typist.timeout)
    typist.isTyping = true
    typist.timeout = setTimeout(() => this.stop(userId, chatId), this.#timeoutMs).unref()
    const dueIn = typist.announcedAt + QUIET_MS - Date.now()
    if (dueIn <= 0) this.#announceTyping(typist)
    else if (!typist.isAnnounced) typist.quiet ??= this.#whenQuietEnds(typist, dueIn)
  }

  stop (userId: string, chatId: string): void {
    const typist = this.#typists.get(`${chatId} ${userId}`)
    if (!typist?.isTyping) return
    clearTimeout(typist.timeout)
    typist.isTyping = false
    if (typist.isAnnounced) this.#announce('user_stopped_typing', typist)
    typist.isAnnounced = false
    typist.quiet ??= this.#whenQuietEnds(typist, typist.announcedAt + QUIET_MS - Date.now())
  }

  /** In whatever chat. */
  stopAll (userId: string): void {
    for (const typist of this.#typists.values()) if (typist.userId === userId) this.stop(userId, typist.chatId)
  }

  close (): void {
    for (const { timeout, quiet } of this.#typists.values()) {
      clearTimeout(timeout)
      clearTimeout(quiet)
    }
    this.#typists.clear()
  }

  #whenQuietEnds (typist: Typist, ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      typist.quiet = undefined
      if (typist.isTyping && !typist.isAnnounced) this.#announceTyping(typist)
      else if (!typist.isTyping) this.#typists.delete(`${typist.chatId} ${typist.userId}`)
    }, Math.max(0, ms)).unref()
  }

  #announceTyping (typist: Typist): void {
    typist.announcedAt = Date.now()
    typist.isAnnounced = true
    this.#announce('user_typing', typist)
  }

  #announce (type: 'user_typing' | 'user_stopped_typing', { userId, chatId }: Typist): void {
    const data = JSON.stringify({ userId, at: new Date().toISOString() })
    this.#hub.publish([{ kind: 'fleeting', type, chatId, data, audience: 'few', actorId: userId, hiddenFrom: [...this.#hub.roster.blockedBy(userId)] }])
  }
}
