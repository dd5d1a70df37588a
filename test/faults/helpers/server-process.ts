// Parley as a process of its own, which can be killed and comes back at the same address.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { freePort } from '../../../src/ports.ts'
import { JWT_SECRET, token } from '../../helpers/parley.ts'
import type { Holdings, Stock } from './probe.ts'

const PROBE = join(import.meta.dirname, 'probe.ts')
/** Starting again is most of what these tests wait for: what was compiled once need not be again. */
const CACHE = join(tmpdir(), 'parley-faults-compile-cache')
const RETRY_MS = 10

export class ServerProcess {
  readonly url: string
  readonly wsUrl: string
  readonly token = token
  readonly #port: number
  readonly #settings: Record<string, string>
  #child: ChildProcess | undefined
  #said = Promise.resolve('')

  private constructor (port: number, settings: Record<string, string>) {
    this.#port = port
    this.#settings = settings
    this.url = `http://127.0.0.1:${port}`
    this.wsUrl = `ws://127.0.0.1:${port}/api/v1/chat/ws`
  }

  static async start (t: Pick<Test, 'teardown'>, settings: Record<string, string>): Promise<ServerProcess> {
    const server = new ServerProcess(await freePort(), settings)
    t.teardown(() => server.kill())
    await server.start()
    return server
  }

  /** @param more settings of this life @throws if it ends instead */
  async start (more: Record<string, string> = {}): Promise<void> {
    const child = spawn(process.execPath, ['--expose-gc', '--import', PROBE, 'src/server.ts'], {
      env: {
        ...process.env, NODE_COMPILE_CACHE: CACHE, JWT_SECRET, HOST: '127.0.0.1', PORT: `${this.#port}`, RATE_LIMIT_COMMANDS: '0', RATE_LIMIT_REQUESTS: '0', RATE_LIMIT_ACCEPTS: '0', LOG_LEVEL: 'fatal', ...this.#settings, ...more,
      },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    this.#said = text(child.stderr as NonNullable<typeof child.stderr>)
    while (!await this.#isListening()) {
      await this.assertAlive()
      await new Promise(resolve => setTimeout(resolve, RETRY_MS))
    }
  }

  /** @throws what it has said if it has ended by itself */
  async assertAlive (): Promise<void> {
    if (!this.isRunning) throw new Error(`The server has ended: ${await this.#said}`)
  }

  /** Without a word to anybody. */
  async kill (): Promise<void> {
    if (!this.#child || !this.isRunning) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  signal (signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** When the process has ended, by itself. */
  async ended (): Promise<void> {
    if (this.#child && this.isRunning) await once(this.#child, 'exit')
  }

  /** What it says of itself. @throws if it does not, in time */
  async health (withinMs: number): Promise<{ status: string, bus?: string }> {
    const response = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(withinMs), headers: { connection: 'close' } })
    return await response.json() as { status: string, bus?: string }
  }

  get pid (): number {
    return this.#child?.pid ?? 0
  }

  get isRunning (): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  async takeStock (): Promise<Holdings> {
    return this.#ask('take stock')
  }

  async glance (): Promise<Stock> {
    return this.#ask('glance')
  }

  /** What the process has of the machine, garbage collected: quick, where stock is not. */
  async weigh (): Promise<{ residentBytes: number }> {
    return this.#ask('weigh')
  }

  async #ask<Answer> (question: string): Promise<Answer> {
    const answer = once(this.#child as ChildProcess, 'message')
    this.#child?.send(question)
    const [said] = await answer
    return said
  }

  async #isListening (): Promise<boolean> {
    const socket = connect(this.#port, '127.0.0.1')
    const isOpen = await once(socket, 'connect').then(() => true, () => false)
    socket.destroy()
    return isOpen
  }
}
