import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import pg from 'pg'
import { withoutSchema } from '../../plugins/database.ts'
import type { Frame } from '../frames.ts'
import type { Listener } from '../listener.ts'
import { decodeHints, Hints } from './hints.ts'
import { MemoryBus } from './memory.ts'
import { Pulse } from './pulse.ts'

const CHANNEL = 'parley_bus'
/** What happens within this time is told together. Every NOTIFY takes a lock on the whole database at its commit. */
const COALESCE_MS = 8
const RETRY_MS = 1_000
const TIMEOUT_MS = 5_000
/** Nothing here has to survive a crash: the commit waits for no disk. */
const OPTIONS = '-c synchronous_commit=off'

/**
 * The bus of a few processes that have nothing in common but their PostgreSQL. Of what is durable it says only up to which revision
 * a chat or an inbox has come; whoever follows it reads the rest. It speaks by a connection of its own, never in the transaction of a send,
 * and one statement at a time: what comes up meanwhile goes into the next.
 */
export class PostgresBus extends MemoryBus {
  readonly #node = randomUUID()
  readonly #url: string
  readonly #listener: Listener
  readonly #log: FastifyBaseLogger
  readonly #pulse: Pulse
  readonly #hints = new Hints()
  #beat = false
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #telling: Promise<void> | undefined
  #isClosed = false

  constructor (url: string, listener: Listener, log: FastifyBaseLogger) {
    super()
    this.#url = withoutSchema(url)
    this.#listener = listener
    this.#log = log
    this.#pulse = new Pulse({ beat: () => this.#sayBeat(), onLost: () => this.#onLost() })
    listener.hear(CHANNEL, payload => this.#hearPayload(payload))
    listener.onLost(() => this.#pulse.lost())
    listener.onListening(() => this.#sayBeat())
  }

  override get isUp (): boolean { return this.#pulse.isUp }

  override publish (frames: Frame[]): void {
    super.publish(frames)
    for (const frame of frames) this.#hints.add(frame)
    this.#tellIn(COALESCE_MS)
  }

  override onUp (listener: () => void): void {
    this.#pulse.onUp(listener)
  }

  override async start (): Promise<void> {
    await this.#pulse.start()
  }

  override async close (): Promise<void> {
    this.#isClosed = true
    this.#pulse.stop()
    clearTimeout(this.#timer)
    await this.#telling
    if (!this.#hints.isEmpty && this.#client) await this.#tell() // the last words
    await this.#client?.end()
    await super.close()
  }

  #sayBeat (): void {
    this.#beat = true
    this.#tellIn(0)
  }

  #onLost (): void {
    this.#log.warn('nothing is heard of the other nodes: the newest heads are looked at until it is')
    this.#drop()
    this.#listener.renew()
  }

  #tellIn (ms: number): void {
    if (this.#isClosed || this.#timer || this.#telling) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#telling = this.#tell().then(() => COALESCE_MS, (err: unknown) => {
        this.#log.warn({ err }, 'the other nodes could not be told')
        this.#drop()
        return RETRY_MS
      }).then(pauseMs => {
        this.#telling = undefined
        if (this.#beat || !this.#hints.isEmpty) this.#tellIn(pauseMs)
      })
    }, ms).unref()
  }

  async #tell (): Promise<void> {
    const client = this.#client ?? await this.#connect()
    const payloads = this.#hints.take(this.#node)
    if (payloads.length === 0 && this.#beat) payloads.push(`{"node":"${this.#node}"}`)
    this.#beat = false
    try {
      await client.query('SELECT pg_notify($1, p) FROM unnest($2::text[]) AS u (p)', [CHANNEL, payloads])
    } catch (error) {
      for (const payload of payloads) for (const frame of decodeHints(payload).frames) if (frame.kind !== 'fleeting') this.#hints.add(frame)
      throw error
    }
  }

  async #connect (): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#url, options: OPTIONS, application_name: 'parley bus', keepAlive: true, connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS,
    })
    client.on('error', err => this.#log.warn({ err }, 'the bus has lost its connection'))
    client.on('end', () => { if (this.#client === client) this.#client = undefined })
    await client.connect()
    this.#client = client
    return client
  }

  /** A connection that has failed once is not used again. */
  #drop (): void {
    const client = this.#client
    this.#client = undefined
    client?.end().catch((err: unknown) => this.#log.debug({ err }, 'the bus had no connection to end'))
  }

  #hearPayload (payload: string): void {
    try {
      const { node, frames } = decodeHints(payload)
      if (node === this.#node) return this.#pulse.heard()
      for (const frame of frames) this.hear(frame)
    } catch (err) {
      this.#log.warn({ err }, 'a notification that is not ours')
    }
  }
}
