import { realpath } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { StartError } from '../start-error.ts'
import { BusyError, type Cluster } from './cluster.ts'
import { openHome } from './home.ts'
import { clusterUrl, DATABASE } from './url.ts'

/** The advisory lock, in the database `postgres`, of the process that a running server belongs to. */
const OWNER_LOCK = 0x7061726c // "parl"

/** A process that was killed while it was nobody's child is in the way until it is reaped: up to 2 s have been seen. */
const PATIENCE_MS = 5_000
/** A server that is up but still recovering from a crash says so, and is waited for. */
const RECOVERY_PATIENCE_MS = 120_000
const CANNOT_CONNECT_NOW = '57P03'
const RETRY_MS = 50

type Options = {
  log: (message: string) => void
  /** The server died while we ran, and cannot be had back. */
  onLost: (error: Error) => void
}

/**
 * A real PostgreSQL of our own in DATA_DIR, for as long as this process runs.
 *
 * The server is a daemon and outlives a Parley that is killed. So whoever starts looks first for one that is running, and tells an
 * orphan, which is adopted, from one in use, which is refused, by a session lock in it that ends with the process that holds it.
 * A server that dies under a running Parley is started again at the same port.
 */
export class EmbeddedPostgres {
  readonly url: string
  readonly #cluster: Cluster
  readonly #options: Options
  #owner: pg.Client
  #recovery: Promise<void> | null = null
  #stopping = false

  /** @throws {StartError} also when another Parley uses the same DATA_DIR */
  static async start (dataDir: string, options: Options): Promise<EmbeddedPostgres> {
    const cluster = await openHome(dataDir)
    if (!cluster.dir.startsWith(await realpath(dataDir))) {
      options.log(`the data of the embedded PostgreSQL are in ${cluster.dir}, since its user may not enter ${dataDir}`)
    }
    const owner = await own(cluster)
    if (owner === null) throw new StartError(`DATA_DIR: ${dataDir} is in use by another Parley that is running`)
    const { rowCount } = await owner.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
    if (rowCount === 0) await owner.query(`CREATE DATABASE ${DATABASE}`)
    return new EmbeddedPostgres(cluster, owner, clusterUrl(cluster.dir), options)
  }

  private constructor (cluster: Cluster, owner: pg.Client, url: string, options: Options) {
    this.#cluster = cluster
    this.#owner = owner
    this.url = url
    this.#options = options
    this.#watch()
  }

  /** Stops the server, cleanly if `seconds` are enough for that. */
  async stop (seconds: number): Promise<void> {
    this.#stopping = true
    await this.#recovery
    await this.#cluster.stop(seconds)
    await this.#owner.end()
  }

  #watch (): void {
    this.#owner.once('end', () => {
      if (this.#stopping) return
      this.#options.log('the embedded PostgreSQL is gone; starting it again')
      this.#recovery = this.#recover().catch(this.#options.onLost)
    })
  }

  async #recover (): Promise<void> {
    const owner = await own(this.#cluster, Number(new URL(this.url).port))
    if (owner === null) throw new Error('another Parley has taken over the embedded PostgreSQL')
    this.#owner = owner
    this.#watch()
    this.#options.log('the embedded PostgreSQL is back')
  }
}

/** Makes sure that the server runs, and that it is ours. null: it is somebody else's. */
async function own (cluster: Cluster, port?: number): Promise<pg.Client | null> {
  const begun = Date.now()
  for (;;) {
    try {
      if (!await cluster.isRunning()) await cluster.start(port === undefined ? {} : { port })
      return await lock(clusterUrl(cluster.dir, 'postgres'))
    } catch (error) {
      if (Date.now() - begun > patience(error)) throw asStartError(error, cluster)
      await delay(RETRY_MS)
    }
  }
}

function asStartError (error: unknown, { dir }: Cluster): StartError {
  if (error instanceof StartError) return error
  return new StartError(`DATA_DIR: the PostgreSQL in ${dir} cannot be connected to: ${(error as Error).message}`, { cause: error })
}

function patience (error: unknown): number {
  if (error instanceof StartError && !(error instanceof BusyError)) return 0
  return (error as pg.DatabaseError).code === CANNOT_CONNECT_NOW ? RECOVERY_PATIENCE_MS : PATIENCE_MS
}

async function lock (connectionString: string): Promise<pg.Client | null> {
  const client = new pg.Client({ connectionString, application_name: 'parley owner', keepAlive: true })
  client.on('error', () => {}) // always followed by 'end', which is what is acted upon
  await client.connect()
  const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS ours', [OWNER_LOCK])
  if (rows[0].ours) return client
  await client.end()
  return null
}
