import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { CUT_ABOVE_BYTES, CUT_STALLED_AFTER_MS, DROP_FLEETING_ABOVE_BYTES } from './protocol.ts'

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
  #isCorked = false
  /** Of what is buffered, this much are replies. */
  #replyBytes = 0
  #givenBytes = 0
  #takenBytes = 0
  #movedAt = Date.now()

  constructor (socket: WebSocket, transport: Socket, onTooSlow: () => void) {
    this.#socket = socket
    this.#transport = transport
    this.#onTooSlow = onTooSlow
  }

  reply (frame: string): void {
    const bytes = Buffer.from(frame)
    this.#replyBytes += bytes.length
    this.#send(bytes, () => { this.#replyBytes -= bytes.length })
    if (this.#socket.bufferedAmount > CUT_ABOVE_BYTES) this.#socket.pause()
  }

  event (frame: Buffer, fleeting: boolean): void {
    const buffered = this.#socket.bufferedAmount
    // What comes together in one turn (a batch of large messages) has not had the chance to leave yet: only what was left over counts.
    if (!this.#isCorked && buffered - this.#replyBytes > CUT_ABOVE_BYTES) this.#onTooSlow()
    else if (!fleeting || buffered <= DROP_FLEETING_ABOVE_BYTES) this.#send(frame)
  }

  /** Called a few times a second. */
  tick (now: number): void {
    const buffered = this.#socket.bufferedAmount
    if (this.#socket.isPaused && buffered < DROP_FLEETING_ABOVE_BYTES) this.#socket.resume()
    const taken = this.#givenBytes - buffered
    if (buffered === 0 || taken > this.#takenBytes) this.#movedAt = now
    this.#takenBytes = taken
    if (now - this.#movedAt > CUT_STALLED_AFTER_MS) this.#onTooSlow()
  }

  #send (frame: Buffer, onTaken?: () => void): void {
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#transport.cork()
      setImmediate(() => {
        this.#isCorked = false
        this.#transport.uncork()
      })
    }
    this.#givenBytes += frame.length
    this.#socket.send(frame, { binary: false }, onTaken)
  }
}
