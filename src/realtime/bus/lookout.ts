import type { FastifyBaseLogger } from 'fastify'
import type { Sweep } from '../sweep.ts'
import type { Bus } from './bus.ts'

/** While nothing is heard of the other nodes, this often */
const EVERY_MS = 2_000
/** this many chats, those where most has happened of late, are compared with the database. The sweep takes care of the rest. */
const NEWEST = 10_000

/** What takes the place of a bus whose link is lost; and, when it is back, looks once for what was not heard. */
export class Lookout {
  readonly #bus: Bus
  readonly #sweep: Sweep
  readonly #log: FastifyBaseLogger
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #isDue = false

  constructor (bus: Bus, sweep: Sweep, log: FastifyBaseLogger) {
    this.#bus = bus
    this.#sweep = sweep
    this.#log = log
    bus.onUp(() => this.#look())
  }

  start (): void {
    this.#timer = setInterval(() => { if (!this.#bus.isUp) this.#look() }, EVERY_MS).unref()
  }

  async stop (): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.#looking
  }

  #look (): void {
    this.#isDue = true
    if (this.#timer) this.#looking ??= this.#lookOver().finally(() => { this.#looking = undefined })
  }

  async #lookOver (): Promise<void> {
    while (this.#isDue && this.#timer) {
      this.#isDue = false
      await this.#sweep.lookOver(NEWEST).catch((err: unknown) => this.#log.warn({ err }, 'what the bus has not brought could not be looked for'))
    }
  }
}
