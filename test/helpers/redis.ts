// A Redis for tests: TEST_REDIS_URL, else a container where Docker answers, else the redis-server of the PATH.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { existsSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { freePort } from '../../src/ports.ts'

/** Settings of a server that uses it, with names of its own there. null: there is none, and the test says so loudly. */
export async function redisSettings (t: Pick<Test, 'teardown' | 'comment'>): Promise<Record<string, string> | null> {
  const url = process.env.TEST_REDIS_URL || await inContainer(t) || (await RedisServer.start(t))?.url
  if (url) return { REDIS_URL: url, REDIS_PREFIX: `test-${randomUUID()}` }
  console.error('\n*** There is no Redis here (TEST_REDIS_URL, Docker, or redis-server on the PATH): what stands on BUS=redis is NOT tested ***\n')
  return null
}

async function inContainer (t: Pick<Test, 'teardown'>): Promise<string | null> {
  const { getContainerRuntimeClient, GenericContainer } = await import('testcontainers')
  if (!await getContainerRuntimeClient().then(() => true, () => false)) return null
  const container = await new GenericContainer('valkey/valkey:8').withExposedPorts(6379).start()
  t.teardown(async () => { await container.stop() })
  return `redis://${container.getHost()}:${container.getMappedPort(6379)}`
}

/** A server of the test's own, that can be killed, stopped and started again at the same port. */
export class RedisServer {
  readonly url: string
  readonly #port: number
  readonly #dir: string
  readonly #options: string[]
  #child: ChildProcess | undefined

  private constructor (port: number, dir: string, options: string[]) {
    this.#port = port
    this.#dir = dir
    this.#options = options
    this.url = `redis://127.0.0.1:${port}`
  }

  static get isInstalled (): boolean {
    return (process.env.PATH ?? '').split(delimiter).some(dir => existsSync(join(dir, 'redis-server')))
  }

  /** @returns null where there is no redis-server */
  static async start (t: Pick<Test, 'teardown'>, options: string[] = []): Promise<RedisServer | null> {
    const server = await RedisServer.notYet(t, options)
    await server?.start()
    return server
  }

  /** One that is still to be started. */
  static async notYet (t: Pick<Test, 'teardown'>, options: string[] = []): Promise<RedisServer | null> {
    if (!RedisServer.isInstalled) return null
    const dir = await mkdtemp(join(tmpdir(), 'parley-redis-'))
    const server = new RedisServer(await freePort(), dir, options)
    t.teardown(async () => {
      await server.kill()
      await rm(dir, { recursive: true })
    })
    return server
  }

  async start (): Promise<void> {
    this.#child = spawn('redis-server', ['--port', `${this.#port}`, '--bind', '127.0.0.1', '--dir', this.#dir, '--save', '', '--appendonly', 'no', ...this.#options], { stdio: 'ignore' })
    for (;;) {
      const socket = connect(this.#port, '127.0.0.1')
      const isOpen = await once(socket, 'connect').then(() => true, () => false)
      socket.destroy()
      if (isOpen) return
      if (this.#child.exitCode !== null) throw new Error('redis-server has ended')
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  signal (signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async kill (): Promise<void> {
    if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
