import { PrismaPg } from '@prisma/adapter-pg'
import fp from 'fastify-plugin'
import pg from 'pg'
import type { Config } from '../config.ts'
import { ANSWER_WITHIN_MS, notNow } from '../deadline.ts'
import { isDatabaseUnavailable } from '../errors.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import { sqlSpan } from '../tracing.ts'
import { Turns } from '../turns.ts'

/** A statement of a slice's `queries.ts`. The name lets PostgreSQL keep its plan. */
export interface Statement { name: string, text: string }

/** What a query function takes: the pool, or the transaction that it is to be a part of. */
export interface Queryable {
  query<Row extends pg.QueryResultRow> (statement: Statement, values: unknown[]): Promise<Row[]>
}

declare module 'fastify' {
  interface FastifyInstance { db: Database }
}

/** Nobody is made to wait longer for a lock: after that the caller is told to come again. */
const LOCK_TIMEOUT = '5s'
/** What PostgreSQL does not answer within this time is not waited for: a connection can die without a word. More than waiting for a lock takes. */
const QUERY_TIMEOUT_MS = 7_000
/** Locks of a transaction whose node has died without a word: PostgreSQL's own patience with a silent connection is hours. */
const IDLE_TIMEOUT = '10s'
/** A connection that cannot be had within this time: the database is down, or everybody is at it. */
const CONNECT_TIMEOUT_MS = 5_000
/** A deadlock or a serialization failure has undone everything, so that it can be tried again. */
const UNDONE = new Set(['40001', '40P01'])
const ATTEMPTS = 4

/** How urgent each is. Who asks for one of the first three waits for the answer. */
const CATCHING_UP = { signIn: 0, sync: 1, changes: 2, presence: 3 } as const

export class Database implements Queryable {
  readonly pool: pg.Pool
  /** For ordinary paths. On the same pool as the hand-written SQL. */
  readonly prisma: PrismaClient
  /** Done with each new connection before it is used: it may lead to another server than the last one did. If it fails there is no connection. */
  onConnect: (connection: Queryable) => Promise<void> = async () => {}
  readonly #catchingUp: Turns
  readonly #prepare: boolean

  constructor ({ url, poolMax, prepare }: Config['database']) {
    if (url === null) throw new Error('The database has no URL yet')
    this.pool = new pg.Pool({
      connectionString: withoutSchema(url),
      max: poolMax,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
      onConnect: client => this.onConnect({ query: (statement, values) => this.#run(client, statement, values) }),
    })
    // Between two statements of a transaction nobody listens, and an error that nobody listens to ends the process. The next statement fails by it.
    this.pool.on('connect', client => { client.on('error', () => {}) })
    this.prisma = new PrismaClient({ adapter: new PrismaPg(this.pool, { schema: 'chat' }) })
    this.#catchingUp = new Turns(Math.ceil(poolMax / 2), Object.keys(CATCHING_UP).length)
    this.#prepare = prepare
  }

  query<Row extends pg.QueryResultRow> (statement: Statement, values: unknown[]): Promise<Row[]> {
    return again(() => this.#run<Row>(this.pool, statement, values))
  }

  /**
   * What thousands ask for at once when they come back takes turns, and leaves half of the connections to everything else.
   * First all come in, then all hear where they stand, then they catch up: by then they ask for the same, and share it. Who else
   * has come is told last.
   * @throws {ApiError} OVERLOADED when its turn has come too late for an answer
   */
  catchUp<Result> (step: keyof typeof CATCHING_UP, read: () => Promise<Result>): Promise<Result> {
    return this.#catchingUp.run(CATCHING_UP[step], read, step === 'presence' ? {} : { within: ANSWER_WITHIN_MS, tooLate: notNow })
  }

  /** READ COMMITTED: the ordering rule needs each statement to see what was committed before it. `work` may run again. */
  transaction<Result> (work: (tx: Queryable) => Promise<Result>): Promise<Result> {
    return again(() => sqlSpan('transaction', () => this.#attempt(work)))
  }

  async #attempt<Result> (work: (tx: Queryable) => Promise<Result>): Promise<Result> {
    const client = await this.pool.connect()
    let broken: Error | undefined
    try {
      await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'; SET LOCAL idle_in_transaction_session_timeout = '${IDLE_TIMEOUT}'`)
      const result = await work({ query: (statement, values) => this.#run(client, statement, values) })
      await client.query('COMMIT')
      return result
    } catch (error) {
      if (error instanceof Error && isDatabaseUnavailable(error)) broken = error // it would not answer a ROLLBACK either
      else await client.query('ROLLBACK').catch((rollbackError: Error) => { broken = rollbackError })
      throw error
    } finally {
      client.release(broken) // a connection that could not roll back is not used again
    }
  }

  async #run<Row extends pg.QueryResultRow> (on: pg.Pool | pg.ClientBase, { name, text }: Statement, values: unknown[]): Promise<Row[]> {
    const { rows } = await sqlSpan(name, () => on.query<Row>(this.#prepare ? { name, text, values } : { text, values }))
    return rows
  }

  async close (): Promise<void> {
    await this.prisma.$disconnect()
    await this.pool.end()
  }
}

/** What has been undone, a statement by itself or a whole transaction, is done once more. */
async function again<Result> (work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof pg.DatabaseError) || !UNDONE.has(error.code ?? '')) throw error
    }
  }
}

/** `schema` is Prisma's own parameter: PostgreSQL does not know it. Names in hand-written SQL are qualified. */
export function withoutSchema (url: string): string {
  const plain = new URL(url)
  plain.searchParams.delete('schema')
  return plain.href
}

export const database = fp<{ config: Config }>(async (app, { config }) => {
  const db = new Database(config.database)
  db.pool.on('error', error => app.log.warn({ err: error }, 'an idle database connection was lost'))
  app.decorate('db', db)
  app.addHook('onClose', () => db.close())
}, { name: 'database' })
