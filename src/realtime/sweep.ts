import type { FastifyBaseLogger } from 'fastify'
import type { Hub } from './hub.ts'
import { CLOSE } from './protocol.ts'
import type { HubSource } from './source.ts'

const BATCH = 1_000

/**
 * Compares, over each period, all that is followed here with PostgreSQL: the heads of the chats, the inboxes of the users,
 * the epoch. It bounds the harm of whatever got lost between a commit and a socket.
 */
export class Sweep {
  readonly #hub: Hub
  readonly #source: HubSource
  readonly #periodMs: number
  readonly #log: FastifyBaseLogger
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #epoch = ''

  constructor (hub: Hub, source: HubSource, periodMs: number, log: FastifyBaseLogger) {
    this.#hub = hub
    this.#source = source
    this.#periodMs = periodMs
    this.#log = log
  }

  get epoch (): string {
    return this.#epoch
  }

  async start (): Promise<void> {
    this.#epoch = await this.#source.epoch()
    this.#timer = setTimeout(() => {
      this.#running = this.#sweep()
        .catch((err: unknown) => this.#log.warn({ err }, 'a sweep has failed'))
        .then(() => { this.#timer?.refresh() })
    }, this.#periodMs).unref()
  }

  async stop (): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#running
  }

  async #sweep (): Promise<void> {
    const epoch = await this.#source.epoch()
    if (epoch !== this.#epoch) {
      this.#log.warn({ from: this.#epoch, to: epoch }, 'the history of the database has changed')
      this.#epoch = epoch
      this.#hub.closeAll(CLOSE.EPOCH_CHANGED)
      return
    }
    for (const chatIds of batches(this.#hub.followedChats)) {
      const heads = await this.#source.heads(chatIds)
      for (const chatId of chatIds) this.#hub.expectChat(chatId, heads.get(chatId)?.lastRevision ?? null)
    }
    for (const userIds of batches(this.#hub.connectedUsers)) {
      for (const [userId, { inboxRevision, banned }] of await this.#source.inboxes(userIds)) {
        this.#hub.expectInbox(userId, inboxRevision)
        if (banned) this.#hub.closeUser(userId, CLOSE.BANNED)
      }
    }
  }
}

function * batches<Item> (items: Item[]): Generator<Item[]> {
  for (let from = 0; from < items.length; from += BATCH) yield items.slice(from, from + BATCH)
}
