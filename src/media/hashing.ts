import { Worker } from 'node:worker_threads'
import type { Asked, Answered } from './hashing-worker.ts'

/** A SHA-256 in the making. What it is given must not change until it is done with it. */
export interface Hash {
  update: (bytes: Uint8Array) => Promise<void>
  /** @returns in hexadecimal. It is over then */
  digest: () => Promise<string>
  /** It is not wanted any more. */
  abandon: () => void
}

/**
 * SHA-256 on a thread of its own: half a megabyte takes a third of a millisecond, for which everybody's messages would wait. The thread begins
 * with the first upload, stays, and keeps the process alive only while somebody waits for it.
 */
export class Hashing {
  #worker: Worker | undefined
  readonly #asked = new Map<number, PromiseWithResolvers<string>>()
  #count = 0

  begin (): Hash {
    const hash = ++this.#count
    return {
      update: async bytes => { await this.#ask({ hash, bytes }) },
      digest: () => this.#ask({ hash, isLast: true }),
      abandon: () => this.#worker?.postMessage({ question: 0, hash, isLast: true } satisfies Asked),
    }
  }

  #ask (what: Omit<Asked, 'question'>): Promise<string> {
    const question = ++this.#count
    const answer = Promise.withResolvers<string>()
    this.#asked.set(question, answer)
    this.#worker ??= this.#start()
    this.#worker.ref()
    this.#worker.postMessage({ question, ...what } satisfies Asked)
    return answer.promise
  }

  #start (): Worker {
    const worker = new Worker(new URL('hashing-worker.ts', import.meta.url))
    worker.on('message', ({ question, digest }: Answered) => {
      this.#asked.get(question)?.resolve(digest)
      this.#asked.delete(question)
      if (this.#asked.size === 0) worker.unref()
    })
    // What it knew of is lost with it: those uploads fail, the next one begins with another.
    worker.on('error', error => {
      this.#worker = undefined
      for (const { reject } of this.#asked.values()) reject(error)
      this.#asked.clear()
    })
    return worker
  }
}
