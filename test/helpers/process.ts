import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** A folder for DATA_DIR, gone after the test together with what lies elsewhere because PostgreSQL's user may not enter it. */
export async function dataFolder (t: Test, mode = 0o755): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'parley-data-'))
  await chmod(dir, mode)
  t.after(async () => {
    const postgres = await realpath(join(dir, 'postgres')).catch(() => dir)
    await rm(postgres, { recursive: true, force: true })
    await rm(dir, { recursive: true, force: true })
  })
  return dir
}

/** Process id of the embedded PostgreSQL of a DATA_DIR. */
export async function postmasterOf (dataDir: string): Promise<number> {
  return Number((await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
}

/** Parley as it is started in real life, by `npm start`, with these settings alone. Stopped after the test. */
export class ParleyProcess {
  readonly exited: Promise<{ code: number | null }>
  stdout = ''
  stderr = ''
  readonly #child

  constructor (t: Test, settings: Record<string, string>) {
    const unset = { DATABASE_URL: '', DATABASE_DIRECT_URL: '', JWT_SECRET: '', JWT_PUBLIC_KEY: '', JWKS_URL: '', PORT: '0' } // whatever .env says
    const child = spawn('npm', ['start', '--silent'], {
      env: { ...process.env, ...unset, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a process group of its own, to be killed as a whole
    })
    child.stdout.setEncoding('utf8').on('data', text => { this.stdout += text })
    child.stderr.setEncoding('utf8').on('data', text => { this.stderr += text })
    this.#child = child
    this.exited = once(child, 'close').then(([code]) => ({ code }))
    t.after(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await this.exited
    })
  }

  /** The first match in what it prints. */
  async printed (pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout)
      if (match) return match
      const ended = await Promise.race([once(this.#child.stdout, 'data').then(() => false), this.exited.then(() => true)])
      if (ended) throw new Error(`Parley has ended without printing ${pattern}: ${this.stderr}`)
    }
  }

  /** As `kill` does to what was started in a terminal: npm passes it on. */
  terminate (): void {
    this.#child.kill('SIGTERM')
  }

  /** As Ctrl-C does: the terminal tells the whole group. */
  interrupt (): void {
    process.kill(-this.#child.pid!, 'SIGINT')
  }

  killAll (): void {
    process.kill(-this.#child.pid!, 'SIGKILL')
  }
}
