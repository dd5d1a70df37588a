import type { Test } from 'tap'
import { createDatabase } from './database.ts'
import { startParley, type Parley } from './parley.ts'

/** Several servers on one database, with a bus between them, in this process. */
export async function startNodes (t: Test, count: number, settings: Record<string, string>): Promise<Parley[]> {
  const DATABASE_URL = settings.DATABASE_URL ?? await createDatabase(t)
  return Promise.all(Array.from({ length: count }, () => startParley(t, { DATABASE_POOL_MAX: '4', ...settings, DATABASE_URL })))
}
