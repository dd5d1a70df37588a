import type { FastifyBaseLogger } from 'fastify'
import pg from 'pg'
import { withoutSchema } from '../plugins/database.ts'

const RECONNECT_MS = 1_000
/** Else a connection to a host that has stopped answering would be waited for as long as the system does. */
const CONNECT_TIMEOUT_MS = 5_000

/** The one connection by which this process hears what is NOTIFYed. It is made anew for as long as it is not stopped. */
export class Listener {
  readonly #url: string
  readonly #log: FastifyBaseLogger
  readonly #heard = new Map<string, (payload: string) => void>()
  readonly #onLost: (() => void)[] = []
  readonly #onListening: (() => void)[] = []
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  /** @param url not of a pooler in transaction mode: LISTEN belongs to a session */
  constructor (url: string, log: FastifyBaseLogger) {
    this.#url = withoutSchema(url)
    this.#log = log
  }

  /** Before the start. Payloads are whatever anybody who may connect to the database has said. */
  hear (channel: string, listener: (payload: string) => void): void {
    this.#heard.set(channel, listener)
  }

  onLost (listener: () => void): void {
    this.#onLost.push(listener)
  }

  /** From now on everything is heard. */
  onListening (listener: () => void): void {
    this.#onListening.push(listener)
  }

  async start (): Promise<void> {
    const client = new pg.Client({ connectionString: this.#url, keepAlive: true, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, application_name: 'parley listener' })
    client.on('error', err => this.#log.warn({ err }, 'the listener has lost its connection'))
    client.on('end', () => this.#reconnect(client))
    client.on('notification', ({ channel, payload }) => this.#heard.get(channel)?.(payload ?? ''))
    this.#client = client
    try {
      await client.connect()
      for (const channel of this.#heard.keys()) await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`)
      for (const listener of this.#onListening) listener()
    } catch (err) {
      this.#log.warn({ err }, 'the listener could not connect')
      await client.end().catch((endError: unknown) => this.#log.debug({ err: endError }, 'the listener had no connection to end'))
      this.#reconnect(client)
    }
  }

  /** The connection does not carry any more, although nobody has said so. */
  renew (): void {
    const client = this.#client as (pg.Client & { connection?: { stream?: { destroy (): void } } }) | undefined
    client?.connection?.stream?.destroy() // a goodbye would wait for an answer
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#client?.end()
  }

  #reconnect (client: pg.Client): void {
    if (this.#isStopped || this.#client !== client) return
    for (const listener of this.#onLost) listener()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => { void this.start() }, RECONNECT_MS).unref()
  }
}
