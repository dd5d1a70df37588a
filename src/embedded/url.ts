import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const SUPERUSER = 'parley'
/** The application's database. */
export const DATABASE = 'parley'

/** Where the server of a cluster is found, going by the lock file of its last start. */
export function clusterUrl (dir: string, database = DATABASE): string {
  const password = readFileSync(join(dir, 'password'), 'utf8')
  const lockFile = readFileSync(join(dir, 'data', 'postmaster.pid'), 'utf8')
  const port = lockFile.split('\n')[3] // pid, data directory, start time, port …
  return `postgresql://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`
}
