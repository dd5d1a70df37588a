import { fork } from 'node:child_process'
import { ApiError } from '../../errors.ts'
import { Turns } from '../../turns.ts'
import type { Answer, Reply } from './helper.ts'
import type { Look } from './look.ts'

/** Each may take half a gigabyte with the largest picture, and they share the machine with the server. */
const AT_ONCE = 2
/** More would wait longer than anybody does. */
const MAX_WAITING = 64
const LOOK_WITHIN_MS = 30_000
const MAX_HEAP_MEGABYTES = 256
/** A helper that has grown beyond this is ended, and its memory is the machine's again. */
const MAX_MEMORY_BYTES = 300 * 1024 * 1024
const IDLE_MS = 10_000

/**
 * Processes in which files are looked at. The libraries that decode pictures and sound are large, in part not memory-safe, and fed by
 * strangers: one that crashes, hangs or grows takes down its process, and neither the server nor its event loop. They know nothing of the
 * server's settings and keys, start when they are needed, end soon after, and do not keep this process alive.
 */
export class Helpers {
  readonly #turns = new Turns(AT_ONCE, 1)
  readonly #idle = new Set<Helper>()
  #asked = 0

  /** @throws {ApiError} OVERLOADED when too many wait already; VALIDATION_FAILED where a helper has died of the file or not come to an end: so would the next */
  async look (task: Look, withinMs = LOOK_WITHIN_MS): Promise<Answer> {
    if (this.#asked >= AT_ONCE + MAX_WAITING) throw new ApiError('OVERLOADED', '', { retryAfterMs: 5000 })
    this.#asked++
    try {
      return await this.#turns.run(0, () => this.#ask(task, withinMs))
    } finally {
      this.#asked--
    }
  }

  async #ask (task: Look, withinMs: number): Promise<Answer> {
    const [helper = new Helper(ended => this.#idle.delete(ended))] = this.#idle
    this.#idle.delete(helper)
    try {
      const reply = await helper.ask(task, withinMs)
      if (reply.memory > MAX_MEMORY_BYTES) helper.end()
      else this.#idle.add(helper)
      return reply
    } catch (cause) {
      throw new ApiError('VALIDATION_FAILED', 'The file cannot be read', { cause })
    }
  }
}

class Helper {
  readonly #process = fork(new URL('helper.ts', import.meta.url), {
    execArgv: [`--max-old-space-size=${MAX_HEAP_MEGABYTES}`],
    // VIPS_WARNING: warnings of pictures are nothing for the server's own output
    env: { VIPS_WARNING: '0', MALLOC_ARENA_MAX: '2' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced', // knows undefined
  })

  #pending: PromiseWithResolvers<Reply> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor (ended: (helper: Helper) => void) {
    this.#process.on('message', reply => this.#pending?.resolve(reply as Reply))
    this.#process.on('error', error => this.end(error))
    this.#process.on('exit', (code, signal) => {
      this.end(new Error(`The helper has ended: ${signal ?? code}`))
      ended(this)
    })
  }

  /** One at a time. Rejects where the helper ends before it answers. */
  async ask (task: Look, withinMs: number): Promise<Reply> {
    this.#pending = Promise.withResolvers()
    this.#process.ref()
    this.#process.channel?.ref()
    this.#limit(withinMs)
    try {
      this.#process.send(task)
      return await this.#pending.promise
    } finally {
      this.#pending = undefined
      this.#process.unref()
      this.#process.channel?.unref()
      this.#limit(IDLE_MS)
    }
  }

  end (cause = new Error('The helper has been ended')): void {
    clearTimeout(this.#timer)
    this.#pending?.reject(cause)
    this.#process.kill('SIGKILL')
  }

  #limit (ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.end(new Error(`The helper has been ended after ${ms} ms`)), ms)
    this.#timer.unref()
  }
}
