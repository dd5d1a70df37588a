import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config.ts'
import type { Database } from '../plugins/database.ts'
import type { Hub } from '../realtime/hub.ts'
import { endLease, expireLeases, onlineAcquaintances, presenceOf, renewLeases, takeLease } from './queries.ts'
import type { Presence } from './schemas.ts'

/**
 * Who is online, by leases in PostgreSQL: a node holds one for each user with a socket here, and renews all of them in one
 * statement a beat. A user is offline when their last lease has run out and the grace has passed; so a node that dies takes
 * nobody online with it for longer than that.
 */
export class Leases {
  readonly #db: Database
  readonly #hub: Hub
  readonly #log: FastifyBaseLogger
  readonly #leaseMs: number
  readonly #graceMs: number
  readonly #nodeId = randomUUID()
  #timer: NodeJS.Timeout | undefined
  /** Changes of one user stay in their order. */
  readonly #pending = new Map<string, Promise<void>>()
  #beating: Promise<void> = Promise.resolve()

  constructor (db: Database, hub: Hub, { presenceLeaseMs, presenceGraceMs }: Config['realtime'], log: FastifyBaseLogger) {
    this.#db = db
    this.#hub = hub
    this.#log = log
    this.#leaseMs = presenceLeaseMs
    this.#graceMs = presenceGraceMs
  }

  start (): void {
    this.#hub.on('arrived', userId => this.#inTurn(userId, () => this.#arrive(userId)))
    this.#hub.on('gone', userId => this.#inTurn(userId, () => endLease(this.#db, userId, this.#nodeId)))
    this.#timer = setTimeout(() => {
      this.#beating = this.#beat().catch((err: unknown) => this.#log.warn({ err }, 'leases could not be renewed')).then(() => { this.#timer?.refresh() })
    }, Math.min(this.#leaseMs, this.#graceMs) / 3).unref()
  }

  async stop (): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#beating
    await Promise.all(this.#pending.values())
  }

  #inTurn (userId: string, work: () => Promise<void>): void {
    const turn = (this.#pending.get(userId) ?? Promise.resolve()).then(work)
      .catch((err: unknown) => this.#log.warn({ err, userId }, 'a lease could not be changed')) // the next beat mends it
      .finally(() => { if (this.#pending.get(userId) === turn) this.#pending.delete(userId) })
    this.#pending.set(userId, turn)
  }

  async #arrive (userId: string): Promise<void> {
    if (await takeLease(this.#db, userId, this.#nodeId, this.#leaseMs, this.#graceMs)) await this.#announce(userId, 'ONLINE')
  }

  async #beat (): Promise<void> {
    for (const userId of await renewLeases(this.#db, this.#nodeId, this.#hub.connectedUsers, this.#leaseMs, this.#graceMs)) {
      this.#inTurn(userId, () => this.#announce(userId, 'ONLINE'))
    }
    for (const userId of await expireLeases(this.#db, this.#graceMs)) this.#inTurn(userId, () => this.#announce(userId, 'OFFLINE'))
  }

  /** Unless they have come or gone again meanwhile: that is announced by whoever has seen it. */
  async #announce (userId: string, status: Presence['status']): Promise<void> {
    const [presence] = await presenceOf(this.#db, userId, [userId], this.#graceMs)
    if (presence?.status !== status) return
    const userIds = await onlineAcquaintances(this.#db, userId, this.#graceMs)
    const type = status === 'ONLINE' ? 'user_online' : 'user_offline'
    if (userIds.length > 0) this.#hub.publish([{ kind: 'fleeting', type, data: JSON.stringify(presence), userIds, actorId: userId }])
  }
}
