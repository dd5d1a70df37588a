import type { FastifyBaseLogger } from 'fastify'
import { ApiError } from '../errors.ts'
import type { Marks } from './marks.ts'
import type { Mark } from './queries.ts'

/** What is put down waits for the turn after the next: between once and twice as long. */
const TURN_MS = 100

/**
 * What people have got by fetching it, written behind: nobody waits for it, and of what somebody fetches page after page only the last is
 * written. By then the page has been sent. A process that dies takes the last of it along; the next fetch says it again.
 */
export class Deliveries {
  readonly #marks: Pick<Marks, 'do'>
  readonly #log: FastifyBaseLogger
  /** By member and chat: the highest. */
  #fresh = new Map<string, Mark>()
  #due = new Map<string, Mark>()
  #timer: NodeJS.Timeout | undefined

  constructor (marks: Pick<Marks, 'do'>, log: FastifyBaseLogger) {
    this.#marks = marks
    this.#log = log
  }

  /** The user is being given the chat's messages up to a seq. */
  fetched (userId: string, chatId: string, upToSeq: number): void {
    const key = `${chatId} ${userId}`
    if (upToSeq <= (this.#fresh.get(key)?.upToSeq ?? 0)) return
    this.#fresh.set(key, { chatId, userId, isRead: false, upToSeq, isNamed: false })
    this.#timer ??= setInterval(() => { void this.#turn() }, TURN_MS).unref()
  }

  /** Writes all of it down now. */
  async flush (): Promise<void> {
    await this.#turn()
    await this.#turn()
  }

  async #turn (): Promise<void> {
    const due = this.#due
    this.#due = this.#fresh
    this.#fresh = new Map()
    if (this.#due.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    await Promise.all([...due.values()].map(mark => this.#write(mark)))
  }

  async #write (mark: Mark): Promise<void> {
    try {
      await this.#marks.do(mark)
    } catch (err) { // the next fetch does it again
      this.#log[err instanceof ApiError && err.retryable ? 'info' : 'warn']({ err, chatId: mark.chatId, userId: mark.userId }, 'a delivery was not written down')
    }
  }
}
