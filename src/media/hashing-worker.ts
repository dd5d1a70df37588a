// The thread of hashing.ts.
import { createHash, type Hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'

/** The bytes are in shared memory. */
export interface Asked { question: number, hash: number, bytes?: Uint8Array, isLast?: boolean }
export interface Answered { question: number, digest: string }

const hashes = new Map<number, Hash>()

parentPort!.on('message', ({ question, hash: id, bytes, isLast = false }: Asked) => {
  const hash = hashes.get(id) ?? createHash('sha256')
  hashes.set(id, hash)
  if (bytes) hash.update(bytes)
  if (isLast) hashes.delete(id)
  parentPort!.postMessage({ question, digest: isLast ? hash.digest('hex') : '' } satisfies Answered)
})
