// npm run epoch            prints which history of the database clients are told to be in
// npm run epoch -- --new   begins another one: to be done after a restore from a dump or a copy, before Parley starts on it
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { clusterUrl } from '../embedded/url.ts'
import { Database, type Queryable } from '../plugins/database.ts'
import { readEpoch } from '../sync/queries.ts'

/** No token is looked at here: which key there is for them does not matter. */
const NO_TOKENS = { JWT_SECRET: 'a key that is never used, of 32 bytes', JWT_PUBLIC_KEY: '', JWKS_URL: '' }

const renewEpoch = { name: 'cli.renewEpoch', text: 'UPDATE chat.meta SET epoch = gen_random_uuid()' }

try {
  const { values } = parseArgs({ options: { new: { type: 'boolean', default: false } } })
  if (existsSync('.env')) process.loadEnvFile()
  const { database, dataDir } = loadConfig({ ...process.env, ...NO_TOKENS })
  const url = database.directUrl ?? database.url ?? runningEmbedded(dataDir)
  await withDatabase(new Database({ ...database, url, poolMax: 1 }), async db => {
    if (values.new) await db.query(renewEpoch, [])
    process.stdout.write(`${await readEpoch(db)}\n`)
  })
} catch (error) {
  process.stderr.write(`${(error as Error).message || (error as { code?: string }).code}\n`)
  process.exitCode = 1
}

function runningEmbedded (dataDir: string): string {
  try {
    return clusterUrl(join(dataDir, 'postgres'))
  } catch (cause) {
    throw new Error(`DATABASE_URL is not set, and no embedded database runs in ${dataDir}`, { cause })
  }
}

async function withDatabase (db: Database, work: (db: Queryable) => Promise<void>): Promise<void> {
  try {
    await work(db)
  } finally {
    await db.close()
  }
}
