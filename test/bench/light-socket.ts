import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** Where a frame's text stands in what was read. It is overwritten by the next read. */
export type OnFrame = (bytes: Buffer, start: number, end: number, socket: LightSocket) => void

/** Whoever reads is done before the next one is read for: all sockets of the process share it. */
const READ_BUFFER = Buffer.allocUnsafe(1024 * 1024)

/**
 * A WebSocket client that costs the load's process next to nothing, so that a machine with few cores is left to who is measured: it cuts
 * frames out of a shared buffer, and masks with zeros (which the protocol allows). Text frames in one piece only.
 */
export class LightSocket {
  readonly #socket: Socket
  readonly #opened = Promise.withResolvers<void>()
  readonly #closed = Promise.withResolvers<number>()
  /** What is done with each from now on. */
  onFrame: OnFrame
  #left: Buffer | undefined
  #isOpen = false
  #isCorked = false
  #code = 1006

  private constructor (url: URL, token: string | undefined, onFrame: OnFrame) {
    this.onFrame = onFrame
    this.#socket = connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      onread: { buffer: READ_BUFFER, callback: length => { this.#onBytes(READ_BUFFER.subarray(0, length)); return true } },
    })
    this.#socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${token === undefined ? '' : `Authorization: Bearer ${token}\r\n`}\r\n`)
    this.#socket.on('error', error => this.#opened.reject(error))
    this.#socket.on('close', () => {
      this.#opened.reject(new Error(`${url} has closed the socket before it was open`))
      this.#closed.resolve(this.#code)
    })
    this.#opened.promise.catch(() => {}) // whoever waits for `open` is told
  }

  /** When the handshake is done; a first frame may have come with it. */
  static async open (url: string, token: string | undefined, onFrame: OnFrame): Promise<LightSocket> {
    const socket = new LightSocket(new URL(url), token, onFrame)
    await socket.#opened.promise
    return socket
  }

  /** The close code; 1006 if there was none. */
  get closed (): Promise<number> {
    return this.#closed.promise
  }

  send (text: string): void {
    this.#write(0x1, Buffer.from(text))
  }

  close (): void {
    this.#socket.destroy()
  }

  #write (opcode: number, payload: Buffer): void {
    const extra = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8
    const frame = Buffer.alloc(6 + extra + payload.length)
    frame[0] = 0x80 | opcode
    frame[1] = 0x80 | (extra === 0 ? payload.length : extra === 2 ? 126 : 127)
    if (extra === 2) frame.writeUInt16BE(payload.length, 2)
    if (extra === 8) frame.writeBigUInt64BE(BigInt(payload.length), 2)
    payload.copy(frame, 6 + extra)
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#socket.cork()
      process.nextTick(() => {
        this.#isCorked = false
        this.#socket.uncork()
      })
    }
    this.#socket.write(frame)
  }

  #onBytes (read: Buffer): void {
    const bytes = this.#left ? Buffer.concat([this.#left, read]) : read
    let at = this.#isOpen ? 0 : this.#onHandshake(bytes)
    while (this.#isOpen && at + 2 <= bytes.length) {
      const short = bytes[at + 1]! & 0x7f
      const header = short < 126 ? 2 : short === 126 ? 4 : 10
      if (at + header > bytes.length) break
      const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
      const end = at + header + length
      if (end > bytes.length) break
      this.#onOpcode(bytes[at]! & 0x0f, bytes, at + header, end)
      at = end
    }
    this.#left = at < bytes.length ? Buffer.from(bytes.subarray(at)) : undefined
  }

  #onOpcode (opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === 0x1) this.onFrame(bytes, start, end, this)
    else if (opcode === 0x9) this.#write(0xa, bytes.subarray(start, end))
    else if (opcode === 0x8) {
      if (end - start >= 2) this.#code = bytes.readUInt16BE(start)
      this.#socket.end()
    }
  }

  /** @returns where the first frame begins */
  #onHandshake (bytes: Buffer): number {
    const end = bytes.indexOf('\r\n\r\n')
    if (end < 0) return 0
    const status = bytes.toString('latin1', 0, bytes.indexOf('\r\n'))
    if (!status.includes(' 101 ')) {
      this.#opened.reject(new Error(`The socket was refused: ${status}`))
      this.#socket.destroy()
      return bytes.length
    }
    this.#isOpen = true
    this.#opened.resolve()
    return end + 4
  }
}
