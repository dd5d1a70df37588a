import { randomBytes } from 'node:crypto'
import { chown, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../ports.ts'
import { StartError } from '../start-error.ts'
import { run, type Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { SUPERUSER } from './url.ts'

/** Long enough for the recovery after a crash. */
const START_SECONDS = 120
/** No waiting for anything: it only has to end. */
const IMMEDIATE_STOP_SECONDS = 2

/** What a server says that cannot start *yet*: what is left of the one before it is still about, or somebody was quicker. */
const IN_THE_WAY = /lock file "postmaster.pid" already exists|pre-existing shared memory block|Address already in use/

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '', // one way in is enough, and a socket's path may be too long or out of reach
  max_connections: 100,
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
}

/** Something is in the way of a start that goes away by itself. */
export class BusyError extends StartError {}

/**
 * One PostgreSQL data directory, with its password and its log beside it: `data/`, `password`, `log`.
 *
 * It is driven with pg_ctl, which makes the server a daemon of its own (a Ctrl-C in the terminal does not reach it), waits
 * until it is ready, and copes with what a crash leaves behind.
 */
export class Cluster {
  readonly dir: string
  readonly #data: string
  readonly #binaries: Binaries
  readonly #account: Account

  constructor (dir: string, binaries: Binaries, account: Account) {
    this.dir = dir
    this.#data = join(dir, 'data')
    this.#binaries = binaries
    this.#account = account
  }

  /** Fills the directory, which is there and empty. */
  async init (): Promise<void> {
    const password = join(this.dir, 'password')
    await writeFile(password, randomBytes(24).toString('base64url'), { mode: 0o600 })
    if (this.#account) {
      await chown(this.dir, this.#account.uid, this.#account.gid)
      await chown(password, this.#account.uid, this.#account.gid)
    }
    // Without a locale that knows letters, trigram search finds none outside ASCII; not every system knows the first.
    const failures: string[] = []
    for (const locale of ['C.UTF-8', 'en_US.UTF-8']) {
      const { ok, output } = await this.#run('initdb', '-D', this.#data, '-U', SUPERUSER, `--pwfile=${password}`,
        '--auth=scram-sha-256', '--encoding=UTF8', '--lc-collate=C', `--lc-ctype=${locale}`)
      if (ok) return
      failures.push(output)
    }
    throw new StartError(`The embedded PostgreSQL could not be set up in ${this.dir}: ${reason(failures[0]!)}`, { cause: failures })
  }

  /**
   * Starts the server, on a free port unless one is given, and waits until it takes connections.
   * @throws {BusyError} when it is worth trying again
   */
  async start (settings: { port?: number, [name: string]: string | number | undefined } = {}): Promise<void> {
    await this.#checkVersion()
    const all = { ...SETTINGS, port: await freePort(), ...settings }
    const flags = Object.entries(all).map(([name, value]) => `-c ${name}='${value}'`).join(' ')
    const before = await this.#log()
    const { ok, output } = await this.#run('pg_ctl', 'start', '-w', '-t', `${START_SECONDS}`, '-D', this.#data, '-l', join(this.dir, 'log'), '-o', flags)
    if (ok) return

    const log = (await this.#log()).slice(before.length) || output
    const Failure = IN_THE_WAY.test(log) ? BusyError : StartError
    throw new Failure(`The embedded PostgreSQL in ${this.dir} does not start: ${reason(log)}`, { cause: log })
  }

  /** Stops it cleanly. What is not done after `seconds` is cut off, and made good by the recovery of the next start. */
  async stop (seconds: number): Promise<void> {
    for (const [mode, patience] of [['fast', Math.max(1, Math.floor(seconds))], ['immediate', IMMEDIATE_STOP_SECONDS]]) {
      const { ok } = await this.#run('pg_ctl', 'stop', '-w', '-m', `${mode}`, '-t', `${patience}`, '-D', this.#data)
      if (ok || !await this.isRunning()) return
    }
    throw new Error(`The embedded PostgreSQL in ${this.dir} does not stop`)
  }

  /** Whether it has a server process: ours, somebody else's, or one left over. */
  async isRunning (): Promise<boolean> {
    const { code, output } = await this.#run('pg_ctl', 'status', '-D', this.#data)
    if (code === 0) return true
    if (code === 3) return false // pg_ctl's documented "not running"
    throw new StartError(`The embedded PostgreSQL in ${this.dir} cannot be used: ${reason(output)}`)
  }

  async #checkVersion (): Promise<void> {
    const version = (await readFile(join(this.#data, 'PG_VERSION'), 'utf8')).trim()
    if (version === this.#binaries.major) return
    throw new StartError(`The embedded database in ${this.dir} is of PostgreSQL ${version}, the installed binaries of ${this.#binaries.major}: ` +
      'dump it with the older ones, or remove DATA_DIR for a fresh one')
  }

  async #log (): Promise<string> {
    return readFile(join(this.dir, 'log'), 'utf8').catch(error => {
      if (error.code === 'ENOENT') return '' // never started yet
      throw error
    })
  }

  #run (program: string, ...args: string[]) {
    return run(join(this.#binaries.dir, program), args, this.#account)
  }
}

/** The line of a log that says why. */
function reason (log: string): string {
  return /(?:FATAL|PANIC|ERROR|error): +(.*)/.exec(log)?.[1] ?? log.trim().split('\n').at(-1) ?? ''
}
