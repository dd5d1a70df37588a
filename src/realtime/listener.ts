import type { FastifyBaseLogger } from 'fastify'
import pg from 'pg'
import { Type } from 'typebox'
import { parseJson } from '../json.ts'
import { withoutSchema } from '../plugins/database.ts'
import { compile } from '../plugins/validation.ts'
import { ChatId, Revision } from '../primitives.ts'

const CHANNEL = 'parley'
const RECONNECT_MS = 1_000

const checkNotice = compile(Type.Object({ chatId: ChatId, revision: Revision }), 'notice')

/**
 * Hears of messages that an application has sent in a transaction of its own (`chat.send_messages` with p_notify). The
 * notice is a hint: the hub reads what it says from the tables, and the sweep finds what was never heard.
 */
export class Listener {
  readonly #url: string
  readonly #onNotice: (chatId: string, revision: number) => void
  readonly #log: FastifyBaseLogger
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor (url: string, onNotice: (chatId: string, revision: number) => void, log: FastifyBaseLogger) {
    this.#url = withoutSchema(url)
    this.#onNotice = onNotice
    this.#log = log
  }

  /** Listens, and goes on trying to for as long as it is not stopped. */
  async start (): Promise<void> {
    const client = new pg.Client({ connectionString: this.#url, keepAlive: true })
    client.on('error', err => this.#log.warn({ err }, 'the listener has lost its connection'))
    client.on('end', () => this.#reconnect())
    client.on('notification', ({ payload }) => this.#hear(payload))
    this.#client = client
    try {
      await client.connect()
      await client.query(`LISTEN ${CHANNEL}`)
    } catch (err) {
      this.#log.warn({ err }, 'the listener could not connect')
      await client.end().catch((endError: unknown) => this.#log.debug({ err: endError }, 'the listener had no connection to end'))
      this.#reconnect()
    }
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#client?.end()
  }

  #reconnect (): void {
    if (this.#isStopped) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => { void this.start() }, RECONNECT_MS).unref()
  }

  /** Anybody who may connect to the database may notify. */
  #hear (payload: string | undefined): void {
    try {
      const { chatId, revision } = checkNotice(parseJson(payload ?? ''))
      this.#onNotice(chatId, revision)
    } catch (err) {
      this.#log.warn({ err }, 'a notice that is not ours')
    }
  }
}
