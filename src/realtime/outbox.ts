import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { CUT_ABOVE_BYTES, CUT_STALLED_AFTER_MS, DROP_FLEETING_ABOVE_BYTES, type ReplyFrame } from './protocol.ts'

/**
 * What a socket has been given and has not taken yet: bounded, whatever the other side does.
 *
 * - All that is due in one turn of the loop goes out in one write: the system call is the cost.
 * - Events: above one limit fleeting ones are dropped, above another (or when nothing moves any more) the socket is too slow.
 * - Replies are what the client itself has asked for: nothing more is read from it until it has taken them.
 */
export class Outbox {
  readonly #socket: WebSocket
  readonly #transport: Socket
  readonly #onTooSlow: () => void
  readonly #onLeftOver: () => void
  #isCorked = false
  /** Of what is buffered, this much are replies. */
  #replyBytes = 0
  #givenBytes = 0
  #takenBytes = 0
  #movedAt = Date.now()

  /** @param onLeftOver something was not taken at once: until it is, `tick` is to be called a few times a second */
  constructor (socket: WebSocket, transport: Socket, { onTooSlow, onLeftOver }: { onTooSlow: () => void, onLeftOver: () => void }) {
    this.#socket = socket
    this.#transport = transport
    this.#onTooSlow = onTooSlow
    this.#onLeftOver = onLeftOver
  }

  reply (frame: ReplyFrame): void {
    const parts = typeof frame === 'string' ? [Buffer.from(frame)] : frame
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    this.#replyBytes += length
    this.#send(parts, length, () => { this.#replyBytes -= length })
    if (this.#socket.bufferedAmount > CUT_ABOVE_BYTES) this.#socket.pause()
  }

  event (frame: Buffer, fleeting: boolean): void {
    const buffered = this.#socket.bufferedAmount
    // What comes together in one turn (a batch of large messages) has not had the chance to leave yet: only what was left over counts.
    if (!this.#isCorked && buffered - this.#replyBytes > CUT_ABOVE_BYTES) this.#onTooSlow()
    else if (!fleeting || buffered <= DROP_FLEETING_ABOVE_BYTES) this.#send([frame], frame.length)
  }

  /** @returns whether everything has been taken */
  tick (now: number): boolean {
    const buffered = this.#socket.bufferedAmount
    if (this.#socket.isPaused && buffered < DROP_FLEETING_ABOVE_BYTES) this.#socket.resume()
    const taken = this.#givenBytes - buffered
    if (buffered === 0 || taken > this.#takenBytes) this.#movedAt = now
    this.#takenBytes = taken
    if (now - this.#movedAt > CUT_STALLED_AFTER_MS) this.#onTooSlow()
    return buffered === 0 && !this.#socket.isPaused
  }

  #send (parts: Buffer[], length: number, onTaken?: () => void): void {
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#transport.cork()
      setImmediate(() => {
        this.#isCorked = false
        this.#transport.uncork()
        if (this.#socket.bufferedAmount > 0 || this.#socket.isPaused) this.#onLeftOver()
      })
    }
    this.#givenBytes += length
    const [only] = parts
    if (parts.length === 1 && only) return this.#socket.send(only, { binary: false }, onTaken)
    // `ws` takes a message in one piece, and would have to be given a copy. Without compression it holds nothing back itself.
    this.#transport.write(headerOf(length))
    for (const [index, part] of parts.entries()) this.#transport.write(part, index === parts.length - 1 ? onTaken : undefined)
  }
}

/** Of a whole text message from a server (RFC 6455, 5.2). */
function headerOf (length: number): Buffer {
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  header[0] = 0x81
  header[1] = length < 126 ? length : length < 65_536 ? 126 : 127
  if (header.length === 4) header.writeUInt16BE(length, 2)
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2)
  return header
}
