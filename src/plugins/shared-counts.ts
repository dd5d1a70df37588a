import type { FastifyBaseLogger } from 'fastify'
import type { Cluster, Redis } from 'ioredis'

/** What Redis has not counted within this time is not waited for; */
const PATIENCE_MS = 250
/** nor is it asked again for so long. */
const PAUSE_MS = 2_000

export interface Counted { current: number, /** Until the window ends, in milliseconds. */ ttl: number }

/** How often something has happened in a window of time, on all processes; on this one alone for as long as Redis does not answer. Never throws. */
export class SharedCounts {
  readonly #client: Redis | Cluster
  readonly #options: { prefix: string, windowMs: number, log: FastifyBaseLogger }
  #aloneUntil = 0
  #own = new Map<string, number>()
  #ownSince = 0

  constructor (client: Redis | Cluster, options: { prefix: string, windowMs: number, log: FastifyBaseLogger }) {
    this.#client = client
    this.#options = options
  }

  async add (key: string): Promise<Counted> {
    if (this.#client.status !== 'ready' || Date.now() < this.#aloneUntil) return this.#addHere(key)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => reject(new Error('Redis has not answered in time')), PATIENCE_MS) })
    try {
      return await Promise.race([this.#addShared(key), late])
    } catch (err) {
      this.#aloneUntil = Date.now() + PAUSE_MS
      this.#options.log.warn({ err }, 'this process counts requests by itself for a while')
      return this.#addHere(key)
    } finally {
      clearTimeout(timer)
    }
  }

  async #addShared (key: string): Promise<Counted> {
    const { prefix, windowMs } = this.#options
    const name = prefix + key
    const results = await this.#client.multi().incr(name).pexpire(name, windowMs, 'NX').pttl(name).exec()
    const [[failed, current] = [], , [, ttl] = []] = results ?? []
    if (failed || typeof current !== 'number' || typeof ttl !== 'number') throw failed ?? new Error('Redis has counted nothing')
    return { current, ttl }
  }

  #addHere (key: string): Counted {
    const now = Date.now()
    if (now - this.#ownSince >= this.#options.windowMs) {
      this.#own = new Map()
      this.#ownSince = now
    }
    const current = (this.#own.get(key) ?? 0) + 1
    this.#own.set(key, current)
    return { current, ttl: this.#ownSince + this.#options.windowMs - now }
  }
}
