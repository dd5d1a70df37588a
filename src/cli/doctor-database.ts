import pg from 'pg'
import type { Config } from '../config.ts'
import { pending } from '../migrate.ts'
import type { Finding } from './doctor.ts'

export interface DatabaseUnderTest { url: string, setting: 'DATABASE_URL' | 'DATABASE_DIRECT_URL' }

const VERSIONS = { oldest: 15, newest: 18 }
/** Presence leases and "not before" of tokens are compared across machines. */
const CLOCK_TOLERANCE_MS = 1_000
const CONNECT_TIMEOUT_MS = 5_000

async function query<Row extends object> (url: string, text: string): Promise<Row> {
  const plain = new URL(url)
  plain.searchParams.delete('schema') // Prisma's word
  const client = new pg.Client({ connectionString: plain.href, application_name: 'parley doctor', connectionTimeoutMillis: CONNECT_TIMEOUT_MS, query_timeout: CONNECT_TIMEOUT_MS })
  client.on('error', () => {}) // the statement fails by it
  await client.connect()
  try {
    const { rows: [row] } = await client.query<Row>(text)
    return row!
  } finally {
    await client.end()
  }
}

/** Whether it can be reached, is of a version that is supported, can be written to, and has connections enough. */
export async function checkDatabase ({ url, setting }: DatabaseUnderTest, { database, bus }: Config): Promise<Finding> {
  const { host, pathname } = new URL(url)
  const where = `${host}${pathname}`
  try {
    const { version, standby, encoding, free } = await query<{ version: number, standby: boolean, encoding: string, free: number }>(url, `
      SELECT current_setting('server_version_num')::int / 10000 AS version, pg_is_in_recovery() AS standby, pg_encoding_to_char(encoding) AS encoding,
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int - (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS free
      FROM pg_database WHERE datname = current_database()`)
    const found = `PostgreSQL ${version} at ${where}; no extensions are needed`
    const needed = database.poolMax + (bus === 'postgres' ? 2 : 1)
    if (version < VERSIONS.oldest) return { state: 'fault', detail: found, advice: `take PostgreSQL ${VERSIONS.oldest} to ${VERSIONS.newest}` }
    if (standby) return { state: 'fault', detail: `${found}, a standby that cannot be written to`, advice: `let ${setting} lead to the primary` }
    if (encoding !== 'UTF8') return { state: 'fault', detail: `${found}, with the encoding ${encoding}`, advice: "make the database anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0" }
    if (version > VERSIONS.newest) return { state: 'note', detail: found, advice: `Parley is tested with ${VERSIONS.oldest} to ${VERSIONS.newest}` }
    if (free < needed) return { state: 'note', detail: `${found}; ${free} connections are free`, advice: `a process takes up to ${needed}: raise max_connections, or lower DATABASE_POOL_MAX, unless Parley runs already and these are its own` }
    return { state: 'ok', detail: found }
  } catch (error) {
    const { message, code = '' } = error as { message: string, code?: string }
    return { state: 'fault', detail: `${setting}: cannot connect to ${where}: ${message || code}`, advice: adviceOn(code, setting) }
  }
}

function adviceOn (code: string, setting: string): string {
  switch (code) {
    case 'ECONNREFUSED': return `nothing listens there: start PostgreSQL, or mend host and port in ${setting}`
    case 'ENOTFOUND': return `that host is not known: mend it in ${setting}`
    case '28P01':
    case '28000': return `mend user and password in ${setting}; pg_hba.conf has to let them in from here`
    case '3D000': return 'make the database: createdb'
    default: return `it must be reachable from here, with user, password and TLS as ${setting} says`
  }
}

export async function checkRights ({ url }: DatabaseUnderTest, { jobs }: Config): Promise<Finding> {
  const { user, create, chat, jobsSchema } = await query<{ user: string, create: boolean, chat: boolean | null, jobsSchema: boolean | null }>(url, `
    SELECT current_user AS user, has_database_privilege(current_database(), 'CREATE') AS create,
      (SELECT has_schema_privilege(n.oid, 'CREATE, USAGE') FROM pg_namespace n WHERE nspname = 'chat') AS chat,
      (SELECT has_schema_privilege(n.oid, 'CREATE, USAGE') FROM pg_namespace n WHERE nspname = 'chat_jobs') AS "jobsSchema"`)
  const missing = [...((chat ?? create) ? [] : ['chat']), ...((jobsSchema ?? create) || !jobs ? [] : ['chat_jobs'])]
  if (missing.length === 0) return { state: 'ok', detail: `${user} may do what Parley does` }
  return { state: 'fault', detail: `${user} may neither use nor make the schema ${missing.join(', ')}`, advice: missing.map(name => `CREATE SCHEMA ${name} AUTHORIZATION ${user}`).join('; ') }
}

export async function checkMigrations (database: DatabaseUnderTest): Promise<Finding> {
  const names = await pending(database)
  if (names.length === 0) return { state: 'ok', detail: 'all are applied' }
  return { state: 'note', detail: `${names.length} are to be applied, the first is ${names[0]}`, advice: 'npx parley migrate; or leave it to the next start' }
}

/** Against the database's: times of messages are the database's, those of tokens are compared with this machine's. */
export async function checkClock ({ url }: DatabaseUnderTest): Promise<Finding> {
  const before = Date.now()
  const { now } = await query<{ now: Date }>(url, 'SELECT clock_timestamp() AS now')
  const after = Date.now()
  const offMs = now.getTime() < before ? before - now.getTime() : Math.max(0, now.getTime() - after)
  if (offMs <= CLOCK_TOLERANCE_MS) return { state: 'ok', detail: "this machine's agrees with the database's" }
  return { state: 'fault', detail: `this machine's and the database's are ${(offMs / 1000).toFixed(1)} s apart`, advice: 'run NTP (chrony, systemd-timesyncd) on both: tokens end, and presence is judged, by the clock' }
}
