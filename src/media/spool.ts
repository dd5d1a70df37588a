import { open, type FileHandle } from 'node:fs/promises'
import { Writable, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Hashing } from './hashing.ts'

/** Each write is a trip to another thread, which costs more than to write; more in one go would be more to wait for. */
const PIECE_BYTES = 512 * 1024
/** Pieces that nobody fills at the moment are kept for the next upload: so much memory stays. */
const MAX_SPARE = 8

const spare: Buffer[] = []
const hashing = new Hashing()

/**
 * A stream into a new file, with its length and SHA-256 in hexadecimal. What comes is copied into one of two pieces at once: chunks that wait for
 * the disk themselves grow old, and V8 then lets some 60 MB of them lie before it looks. While one piece is written and hashed, by other threads, the other fills.
 */
export async function save (from: Readable, path: string): Promise<{ size: number, hash: string }> {
  const file = new Spool(await open(path, 'wx', 0o600))
  await pipeline(from, file)
  return { size: file.size, hash: file.digest }
}

class Spool extends Writable {
  size = 0
  digest = ''
  readonly #hash = hashing.begin()
  readonly #handle: FileHandle
  /** The second only for who needs it. */
  readonly #pieces = [takePiece()]
  #filled = 0
  /** Of the other piece. */
  #written: Promise<unknown> = Promise.resolve()

  constructor (handle: FileHandle) {
    super({ highWaterMark: PIECE_BYTES }) // (a chunk that fits is taken at once: what waits here waits for the disk)
    this.#handle = handle
  }

  override _write (chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const taken = chunk.copy(this.#pieces[0]!, this.#filled)
    const rest = chunk.length - taken
    this.#filled += taken
    if (rest === 0) giveBack(chunk)
    if (this.#filled < PIECE_BYTES) done()
    else this.#flush().then(() => rest === 0 ? done() : this._write(chunk.subarray(taken), _encoding, done), done)
  }

  override _final (done: (error?: Error | null) => void): void {
    this.#flush({ isLast: true }).then(() => this.#written).then(() => this.#hash.digest()).then(digest => {
      this.digest = digest
      done()
    }, done)
  }

  override _destroy (error: Error | null, done: (error?: Error | null) => void): void {
    if (this.digest === '') this.#hash.abandon()
    // Whoever writes has been told why, and the file is not used.
    this.#written.catch(() => {}).then(() => this.#handle.close()).then(() => {
      for (const piece of this.#pieces) if (spare.length < MAX_SPARE) spare.push(piece)
      done(error)
    }, done)
  }

  /** Begins to write what has come, as soon as what came before is written. */
  async #flush ({ isLast = false } = {}): Promise<void> {
    await this.#written
    if (this.destroyed) return
    const bytes = this.#pieces[0]!.subarray(0, this.#filled)
    if (this.#pieces.length < 2 && !isLast) this.#pieces.push(takePiece())
    this.#pieces.reverse()
    this.#filled = 0
    this.#written = Promise.all([this.#handle.writeFile(bytes), this.#hash.update(bytes)])
    this.#written.catch(() => {}) // (whoever waits for it next is told)
    this.size += bytes.length
  }
}

/**
 * The memory of what has been copied, at once, if nothing else is in it: V8 would collect the whole heap for every 64 MB of it, which
 * costs as much as to receive them. Whoever still looked at it would see nothing.
 */
function giveBack ({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

function takePiece (): Buffer {
  return spare.pop() ?? Buffer.from(new SharedArrayBuffer(PIECE_BYTES))
}
