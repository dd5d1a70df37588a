import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config.ts'
import { Gathered } from '../gathered.ts'
import type { Database } from '../plugins/database.ts'
import type { Hub } from '../realtime/hub.ts'
import { endLeases, expireLeases, renewLeases, shownPresences, takeLeases, type Arrival, type Shown } from './queries.ts'
import type { Presence } from './schemas.ts'

/** Users whose coming or going is one statement, where thousands come or go at once. */
const AT_ONCE = 500
/** Of so many in a turn of the loop all their friends are told: a thousand each, perhaps. */
const TOLD_AT_ONCE = 10

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
  /** Who is here and does not show it, as this node last heard. */
  #invisible = new Set<string>()
  /** Changes of one user stay in their order. */
  readonly #pending = new Map<string, Promise<void>>()
  #beating: Promise<void> = Promise.resolve()
  readonly #coming: Gathered<string, Arrival>
  readonly #going: Gathered<string, void>
  readonly #shown: Gathered<string, Shown>

  constructor (db: Database, hub: Hub, { presenceLeaseMs, presenceGraceMs }: Config['realtime'], log: FastifyBaseLogger) {
    this.#db = db
    this.#hub = hub
    this.#log = log
    this.#leaseMs = presenceLeaseMs
    this.#graceMs = presenceGraceMs
    this.#coming = new Gathered(userIds => takeLeases(db, this.#nodeId, userIds, presenceLeaseMs, presenceGraceMs), AT_ONCE)
    this.#going = new Gathered(async userIds => {
      await endLeases(db, this.#nodeId, userIds)
      return new Map()
    }, AT_ONCE)
    this.#shown = new Gathered(userIds => db.catchUp('presence', () => shownPresences(db, userIds, presenceGraceMs)), TOLD_AT_ONCE)
  }

  start (): void {
    this.#hub.roster.on('arrived', userId => this.#inTurn(userId, () => this.#arrive(userId)))
    this.#hub.roster.on('gone', userId => this.#inTurn(userId, () => this.#go(userId)))
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

  /** Of those who are here. */
  get invisible (): ReadonlySet<string> {
    return this.#invisible
  }

  /** When what is known of a user who has just come is known. */
  async settled (userId: string): Promise<void> {
    await this.#pending.get(userId)
  }

  /** The user has said how they want to be seen. @param before how others saw them until now */
  async said (userId: string, before: Presence['status'], isInvisible: boolean): Promise<void> {
    if (this.#hub.roster.isHere(userId)) this.#setInvisible(userId, isInvisible)
    const shown = await this.#shown.do(userId)
    if (!shown || (before === 'OFFLINE' && shown.presence.status === 'OFFLINE')) return
    // Who becomes invisible is told as who goes: nobody is to know which.
    const type = shown.presence.status === 'OFFLINE' ? 'user_offline' : before === 'OFFLINE' ? 'user_online' : 'presence_update'
    this.#tell(type, shown)
  }

  #setInvisible (userId: string, isInvisible: boolean): void {
    if (isInvisible) this.#invisible.add(userId)
    else this.#invisible.delete(userId)
  }

  async #arrive (userId: string): Promise<void> {
    const arrival = await this.#coming.do(userId)
    if (!arrival) return
    this.#setInvisible(userId, arrival.isInvisible)
    if (arrival.wasOffline) await this.#announce(userId, 'user_online')
  }

  async #go (userId: string): Promise<void> {
    if (!this.#hub.roster.isHere(userId)) this.#invisible.delete(userId)
    await this.#going.do(userId)
  }

  async #beat (): Promise<void> {
    const arrivals = await renewLeases(this.#db, this.#nodeId, this.#hub.roster.connectedUsers, this.#leaseMs, this.#graceMs)
    this.#invisible = new Set(arrivals.filter(({ isInvisible }) => isInvisible).map(({ userId }) => userId))
    for (const { userId, wasOffline } of arrivals) if (wasOffline) this.#inTurn(userId, () => this.#announce(userId, 'user_online'))
    for (const userId of await expireLeases(this.#db, this.#graceMs)) this.#inTurn(userId, () => this.#announce(userId, 'user_offline'))
  }

  /** Unless they have come or gone again meanwhile: that is announced by whoever has seen it. */
  async #announce (userId: string, type: 'user_online' | 'user_offline'): Promise<void> {
    const shown = await this.#shown.do(userId)
    if (!shown || shown.isInvisible || (shown.presence.status === 'OFFLINE') !== (type === 'user_offline')) return
    this.#tell(type, shown)
  }

  #tell (type: 'user_online' | 'user_offline' | 'presence_update', { presence, toTell }: Shown): void {
    if (toTell.length > 0) this.#hub.publish([{ kind: 'fleeting', type, data: JSON.stringify(presence), userIds: toTell, actorId: presence.userId }])
  }
}
