import { parseArgs } from 'node:util'
import { EmbeddedPostgres } from '../embedded/index.ts'
import { migrate, pending } from '../migrate.ts'
import { runningEmbedded, settingsWithoutTokens } from './database.ts'
import { progressBar } from './progress.ts'

/** Applies the migrations that are missing, and says which. @returns 1 if `--check` finds some */
export async function migrateDatabase (args: string[]): Promise<number> {
  const { values: { check } } = parseArgs({ args, options: { check: { type: 'boolean', default: false } } })
  const { database, dataDir } = settingsWithoutTokens()
  const given = database.directUrl ?? database.url ?? runningEmbedded(dataDir)
  const embedded = given === undefined ? await EmbeddedPostgres.start(dataDir, { log: message => process.stderr.write(`${message}\n`), onLost: error => { throw error } }) : undefined
  try {
    return await run({ url: given ?? embedded!.url, setting: database.directUrl ? 'DATABASE_DIRECT_URL' : 'DATABASE_URL', check })
  } finally {
    await embedded?.stop(10)
  }
}

async function run ({ url, setting, check }: { url: string, setting: 'DATABASE_URL' | 'DATABASE_DIRECT_URL', check: boolean }): Promise<number> {
  if (check) {
    const names = await pending({ url, setting })
    process.stdout.write(names.length === 0 ? 'The database is up to date.\n' : `To be applied:\n${names.map(name => `  ${name}\n`).join('')}`)
    return names.length === 0 ? 0 : 1
  }
  const bar = progressBar(process.stderr)
  const applied = await migrate({ url, setting, env: process.env, onProgress: bar.show }).finally(bar.end)
  process.stdout.write(applied.length === 0 ? 'The database is up to date.\n' : `Applied ${applied.length} migrations:\n${applied.map(name => `  ${name}\n`).join('')}`)
  return 0
}
