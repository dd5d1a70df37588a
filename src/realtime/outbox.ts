import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { CUT_ABOVE_BYTES, CUT_STALLED_AFTER_MS, DROP_FLEETING_ABOVE_BYTES, textHeader, type ReplyFrame } from './protocol.ts'
import type { Rounds } from './rounds.ts'

/** What is more than this in all goes out piece by piece, without a copy. */
const JOIN_UP_TO_BYTES = 128 * 1024

/**
 * What a socket has been given and has not taken yet: bounded, whatever the other side does.
 *
 * - What is due to a socket waits for its turn in the next round, and goes out in one write: the system call is the cost.
 * - Events: above one limit fleeting ones are dropped, above another (or when nothing moves any more) the socket is too slow.
 * - Replies are what the client itself has asked for: nothing more is read from it until it has taken them.
 *
 * Frames are whole WebSocket messages, header included, and go straight to the transport. `ws` writes the rest (pings, the close), each at
 * once and in one piece, since nothing is compressed: nothing can come between. What is due has to go before a close: `flush`.
 */
export class Outbox {
  readonly #socket: WebSocket
  readonly #transport: Socket
  readonly #rounds: Rounds
  readonly #onTooSlow: () => void
  readonly #onLeftOver: () => void
  #due: Buffer[] = []
  #dueBytes = 0
  /** Of what is due, and of what has been given and not been taken, this much are replies. */
  #dueReplyBytes = 0
  #replyBytes = 0
  #givenBytes = 0
  #takenBytes = 0
  #movedAt = Date.now()

  /** @param onLeftOver something was not taken at once: until it is, `tick` is to be called a few times a second */
  constructor (socket: WebSocket, transport: Socket, rounds: Rounds, { onTooSlow, onLeftOver }: { onTooSlow: () => void, onLeftOver: () => void }) {
    this.#socket = socket
    this.#transport = transport
    this.#rounds = rounds
    this.#onTooSlow = onTooSlow
    this.#onLeftOver = onLeftOver
  }

  reply (frame: ReplyFrame): void {
    const parts = typeof frame === 'string' ? [Buffer.from(frame)] : frame
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    this.#add(textHeader(length))
    for (const part of parts) this.#add(part)
    this.#dueReplyBytes += length
    if (this.#socket.bufferedAmount + this.#dueBytes > CUT_ABOVE_BYTES) this.#socket.pause()
  }

  /** @param frame with its header; the same for all who get the same */
  event (frame: Buffer, fleeting: boolean): void {
    const leftOver = this.#socket.bufferedAmount
    // What is due (a batch of large messages) has not had the chance to leave yet: only what was left over counts.
    if (leftOver - this.#replyBytes > CUT_ABOVE_BYTES) this.#onTooSlow()
    else if (!fleeting || leftOver + this.#dueBytes <= DROP_FLEETING_ABOVE_BYTES) this.#add(frame)
  }

  /** @returns whether everything has been taken */
  tick (now: number): boolean {
    const leftOver = this.#socket.bufferedAmount
    const buffered = leftOver + this.#dueBytes
    if (this.#socket.isPaused && buffered < DROP_FLEETING_ABOVE_BYTES) this.#socket.resume()
    const taken = this.#givenBytes - leftOver
    if (leftOver === 0 || taken > this.#takenBytes) this.#movedAt = now
    this.#takenBytes = taken
    if (now - this.#movedAt > CUT_STALLED_AFTER_MS) this.#onTooSlow()
    return buffered === 0 && !this.#socket.isPaused
  }

  /** Gives the socket what is due to it. */
  flush (): void {
    const [due, bytes, replyBytes] = [this.#due, this.#dueBytes, this.#dueReplyBytes]
    if (bytes === 0) return
    this.#due = []
    this.#dueBytes = 0
    this.#dueReplyBytes = 0
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#givenBytes += bytes
    this.#replyBytes += replyBytes
    const onTaken = replyBytes === 0 ? undefined : () => { this.#replyBytes -= replyBytes }
    if (bytes <= JOIN_UP_TO_BYTES) this.#transport.write(this.#rounds.join(due), onTaken)
    else {
      this.#transport.cork()
      for (const [index, frame] of due.entries()) this.#transport.write(frame, index === due.length - 1 ? onTaken : undefined)
      this.#transport.uncork()
    }
    if (this.#socket.bufferedAmount > 0 || this.#socket.isPaused) this.#onLeftOver()
  }

  #add (bytes: Buffer): void {
    if (this.#dueBytes === 0) this.#rounds.add(this)
    this.#due.push(bytes)
    this.#dueBytes += bytes.length
  }
}
