import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import pg from 'pg'
import { withoutSchema } from '../../plugins/database.ts'
import type { Frame } from '../frames.ts'
import type { Listener } from '../listener.ts'
import { decodeHints, Hints } from './hints.ts'

const CHANNEL = 'parley_bus'
const RETRY_MS = 1_000
const TIMEOUT_MS = 5_000
/** Nothing here has to survive a crash: the commit waits for no disk. */
const OPTIONS = '-c synchronous_commit=off'

export interface NotifyLinkOptions {
  url: string
  listener: Listener
  log: FastifyBaseLogger
  /** What happens within this time is told together. Every NOTIFY takes a lock on the whole database at its commit. */
  coalesceMs: number
  /** What another node has said. */
  onFrame: (frame: Frame) => void
  /** This node has heard itself. */
  onOwn?: () => void
}

/**
 * What nodes tell each other by NOTIFY: of what is durable only up to which revision a chat or an inbox has come. It is said on a connection of its own, made when it is
 * first needed, never in the transaction of a send, and one statement at a time: what comes up meanwhile goes into the next.
 */
export class NotifyLink {
  readonly #node = randomUUID()
  readonly #options: NotifyLinkOptions
  readonly #hints = new Hints()
  #beat = false
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #telling: Promise<void> | undefined
  #isClosed = false

  constructor (options: NotifyLinkOptions) {
    this.#options = options
    options.listener.hear(CHANNEL, payload => this.#hearPayload(payload))
  }

  say (frames: Frame[]): void {
    for (const frame of frames) this.#hints.add(frame)
    this.#tellIn(this.#options.coalesceMs)
  }

  /** Says something that comes back to `onOwn`. */
  sayBeat (): void {
    this.#beat = true
    this.#tellIn(0)
  }

  /** A connection that has failed once is not used again. */
  drop (): void {
    const client = this.#client
    this.#client = undefined
    client?.end().catch((err: unknown) => this.#options.log.debug({ err }, 'the bus had no connection to end'))
  }

  async close (): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#telling
    if (!this.#hints.isEmpty && this.#client) await this.#tell() // the last words
    await this.#client?.end()
  }

  #tellIn (ms: number): void {
    if (this.#isClosed || this.#timer || this.#telling) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#telling = this.#tell().then(() => this.#options.coalesceMs, (err: unknown) => {
        this.#options.log.warn({ err }, 'the other nodes could not be told')
        this.drop()
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
      connectionString: withoutSchema(this.#options.url), options: OPTIONS, application_name: 'parley bus', keepAlive: true, connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS,
    })
    client.on('error', err => this.#options.log.warn({ err }, 'the bus has lost its connection'))
    client.on('end', () => { if (this.#client === client) this.#client = undefined })
    await client.connect()
    this.#client = client
    return client
  }

  #hearPayload (payload: string): void {
    try {
      const { node, frames } = decodeHints(payload)
      if (node === this.#node) return this.#options.onOwn?.()
      for (const frame of frames) this.#options.onFrame(frame)
    } catch (err) {
      this.#options.log.warn({ err }, 'a notification that is not ours')
    }
  }
}
