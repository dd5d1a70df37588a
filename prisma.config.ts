// For the Prisma CLI alone, also where Parley calls it at start: what it migrates, and with which engine.
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { defineConfig } from 'prisma/config'
import { clusterUrl } from './src/embedded/url.ts'

const here = import.meta.dirname
const { env } = process

if (existsSync(join(here, '.env'))) process.loadEnvFile(join(here, '.env'))
env.CHECKPOINT_DISABLE ??= '1' // no calls home

// The native engine lies beside @prisma/engines if it was ever downloaded, and Prisma would download it now; without it, ours is used.
const fromPrisma = createRequire(createRequire(import.meta.url).resolve('prisma/package.json'))
const engines = dirname(fromPrisma.resolve('@prisma/engines/package.json'))
if (!readdirSync(engines).some(file => file.startsWith('schema-engine-'))) {
  env.PRISMA_SCHEMA_ENGINE_BINARY ??= join(here, 'prisma', 'schema-engine.mjs')
}

export default defineConfig({
  schema: join(here, 'prisma', 'schema.prisma'),
  migrations: { path: join(here, 'prisma', 'migrations') },
  ...datasource(),
})

/** The database of the settings; without one the embedded database, which is up while Parley runs. */
function datasource () {
  const embedded = resolve(here, env.DATA_DIR || '.data', 'postgres')
  const base = env.DATABASE_DIRECT_URL || env.DATABASE_URL || (existsSync(join(embedded, 'data', 'postmaster.pid')) && clusterUrl(embedded))
  if (!base) return {} // some commands, `generate` for one, need none
  const url = new URL(base)
  url.searchParams.set('schema', 'chat')
  return { datasource: { url: url.href } }
}
