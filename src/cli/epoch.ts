import { parseArgs } from 'node:util'
import { Database } from '../plugins/database.ts'
import { readEpoch } from '../sync/queries.ts'
import { directUrl, settingsWithoutTokens } from './database.ts'

const renewEpoch = { name: 'cli.renewEpoch', text: 'UPDATE chat.meta SET epoch = gen_random_uuid()' }

/** Prints which history of the database clients are told to be in; `--new` begins another one. */
export async function epoch (args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { new: { type: 'boolean', default: false } } })
  const config = settingsWithoutTokens()
  const db = new Database({ ...config.database, url: directUrl(config), poolMax: 1 })
  try {
    if (values.new) await db.query(renewEpoch, [])
    process.stdout.write(`${await readEpoch(db)}\n`)
  } finally {
    await db.close()
  }
}
