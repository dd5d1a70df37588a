import { parseArgs } from 'node:util'
import { ConfigError, loadConfig, type Config } from '../config.ts'
import { runningEmbedded } from './database.ts'
import { checkClock, checkDatabase, checkMigrations, checkRights, type DatabaseUnderTest } from './doctor-database.ts'
import { checkRedis, checkStorage, checkTokens } from './doctor-services.ts'

/** What came of a check. `note`: it may be as it should be. `advice`: what to do. */
export interface Finding { state: 'ok' | 'note' | 'fault', detail: string, advice?: string }

const MARKS = { ok: '  ok  ', note: ' note ', fault: 'FAULT ' }

/** Looks at everything that Parley needs, one thing after the other, and says what to do about what is not as it should be. @returns 1 if there is a fault */
export async function doctor (args: string[]): Promise<number> {
  const { values: { json } } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } })
  let hasFault = false
  const check = async (name: string, look: () => Finding | Promise<Finding>): Promise<Finding> => {
    const finding = await (async () => look())().catch((error: unknown): Finding => ({ state: 'fault', detail: reason(error) }))
    const { state, detail, advice } = finding
    hasFault ||= state === 'fault'
    process.stdout.write(json
      ? `${JSON.stringify({ name, ...finding })}\n`
      : `${MARKS[state]}${name}: ${detail}\n${advice && state !== 'ok' ? `      → ${advice}\n` : ''}`)
    return finding
  }

  const config = settings()
  await check('settings', () => 'faults' in config
    ? { state: 'fault', detail: config.faults.join('; '), advice: 'the table of settings in README.md, or .env.example, says what each takes' }
    : { state: 'ok', detail: 'all of them are understood' })
  await check('node', () => ({ state: 'ok', detail: process.version }))
  if (!('faults' in config)) await checkServices(config, check)
  return hasFault ? 1 : 0
}

function settings (): Config | ConfigError {
  try {
    return loadConfig(process.env)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

async function checkServices (config: Config, check: (name: string, look: () => Finding | Promise<Finding>) => Promise<Finding>): Promise<void> {
  const { database, dataDir } = config
  await check('tokens', () => checkTokens(config))
  const pooled = database.url ?? runningEmbedded(dataDir)
  if (pooled === undefined) {
    await check('database', () => ({ state: 'note', detail: `embedded, in ${dataDir}, and not running`, advice: 'for development: npx parley start. Otherwise set DATABASE_URL to your PostgreSQL' }))
  } else {
    const direct: DatabaseUnderTest = { url: database.directUrl ?? pooled, setting: database.directUrl ? 'DATABASE_DIRECT_URL' : 'DATABASE_URL' }
    const found = await check('database', () => checkDatabase(direct, config))
    if (found.state !== 'fault') {
      if (database.directUrl) await check('pooler', () => checkDatabase({ url: pooled, setting: 'DATABASE_URL' }, config))
      await check('rights', () => checkRights(direct, config))
      await check('migrations', () => checkMigrations(direct))
      await check('clock', () => checkClock(direct))
    }
  }
  await check('redis', () => checkRedis(config))
  await check('storage', () => checkStorage(config))
}

function reason (error: unknown): string {
  const { message, code, name } = error as { message?: string, code?: string, name?: string }
  return message || code || name || String(error)
}
