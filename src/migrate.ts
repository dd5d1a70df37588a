import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { StartError } from './start-error.ts'

const ROOT = dirname(import.meta.dirname)
const MIGRATIONS = join(ROOT, 'prisma', 'migrations')

/** Held while a node looks for pending migrations and applies them, so that of several that start at once only one does. */
const MIGRATION_LOCK = 0x6d696772 // "migr"

type Options = {
  /** Straight to PostgreSQL, not through a pooler. */
  url: string
  /** The setting that the URL comes from, for what goes wrong. */
  setting: 'DATABASE_URL' | 'DATABASE_DIRECT_URL'
  /** The environment for `prisma migrate deploy`. */
  env: Record<string, string | undefined>
  /** Is told how many of the migrations that are to be applied have been, and which one is the next. */
  onProgress?: (done: number, total: number, next: string) => void
}

/** How often it is looked how far they have come. */
const PROGRESS_MS = 200

/**
 * Brings the database to this version's schema, and says which migrations that took.
 *
 * Prisma's command takes seconds even when there is nothing to do, so its table is looked at first.
 * @throws {StartError} also when the database cannot be reached
 */
export async function migrate ({ url, setting, env, onProgress }: Options): Promise<string[]> {
  const client = await connect(url, setting)
  try {
    // A lock of the transaction, not of the session: a pooler would leave that one behind.
    await client.query('BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0')
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
    const missing = await pendingMigrations(client)
    if (missing.length > 0) await reporting(client, missing, onProgress, () => deploy(url, setting, env))
    await client.query('COMMIT')
    return missing
  } finally {
    await client.end()
  }
}

/** Which migrations `migrate` would apply. @throws {StartError} */
export async function pending ({ url, setting }: Pick<Options, 'url' | 'setting'>): Promise<string[]> {
  const client = await connect(url, setting)
  try {
    return await pendingMigrations(client)
  } finally {
    await client.end()
  }
}

async function connect (url: string, setting: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'parley migrations' })
  client.on('error', () => {}) // the statement that is under way fails by it
  try {
    await client.connect()
    return client
  } catch (cause) {
    throw new StartError(`${setting}: cannot connect to ${printable(url)}: ${(cause as Error).message || (cause as { code: string }).code}`, { cause })
  }
}

/** Prisma says nothing until it is done: meanwhile its table is looked at. */
async function reporting (client: pg.Client, missing: string[], onProgress: Options['onProgress'], work: () => Promise<void>): Promise<void> {
  if (!onProgress) return work()
  const working = new AbortController()
  const ended = work().finally(() => working.abort())
  const look = async () => {
    while (!working.signal.aborted) {
      const left = await pendingMigrations(client)
      if (left[0] !== undefined) onProgress(missing.length - left.length, missing.length, left[0])
      await delay(PROGRESS_MS, undefined, { signal: working.signal }).catch(() => {}) // it has ended
    }
  }
  await Promise.all([ended, look()])
}

async function pendingMigrations (client: pg.Client): Promise<string[]> {
  const all = readdirSync(MIGRATIONS).filter(name => existsSync(join(MIGRATIONS, name, 'migration.sql'))).sort()
  const { rows: [{ table }] } = await client.query("SELECT to_regclass('chat._prisma_migrations') AS table")
  if (table === null) return all
  const { rows } = await client.query<{ name: string }>(
    'SELECT migration_name AS name FROM chat._prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL')
  const applied = new Set(rows.map(row => row.name))
  return all.filter(name => !applied.has(name))
}

async function deploy (url: string, setting: string, env: Options['env']): Promise<void> {
  const prisma = dirname(createRequire(import.meta.url).resolve('prisma/package.json'))
  const child = fork(join(prisma, 'build', 'index.js'), ['migrate', 'deploy'], {
    cwd: ROOT,
    silent: true,
    execArgv: [],
    env: {
      ...env,
      DATABASE_URL: url,
      DATABASE_DIRECT_URL: url, // whatever .env says
      PATH: [dirname(process.execPath), env.PATH].join(delimiter), // the schema engine runs on this same Node
    },
  })
  const [[code], output, errors] = await Promise.all([once(child, 'exit'), text(child.stdout!), text(child.stderr!)])
  if (code === 0) return
  const reason = (output + errors).split('Error: ').at(-1)!.split(/\n +0: /)[0]!.trim().replaceAll(/\s+/g, ' ') // without the engine's stack
  throw new StartError(`${setting}: the migrations cannot be applied to ${printable(url)}: ${reason}`)
}

/** Without the password. */
function printable (url: string): string {
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}
