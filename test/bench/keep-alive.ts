import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const END_OF_HEAD = Buffer.from('\r\n\r\n')

/**
 * One HTTP connection that asks one thing after the other, and does as little as can be done for it: what it costs is taken
 * from whom it measures. It knows replies with a Content-Length, and no others.
 */
export class KeepAlive {
  readonly #socket: Socket
  readonly #headers: string
  #parts: Buffer[] = []
  #size = 0
  /** Of the whole reply, head included; Infinity: the head is not complete yet. */
  #expected = Infinity
  #settle: { resolve: (reply: Buffer) => void, reject: (error: Error) => void } | undefined

  private constructor (socket: Socket, headers: Record<string, string>) {
    this.#socket = socket
    this.#headers = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
    socket.on('data', data => this.#take(data))
    socket.on('error', error => this.#settle?.reject(error))
    socket.on('close', () => this.#settle?.reject(new Error('The server has closed the connection')))
  }

  static async open (url: string, headers: Record<string, string> = {}): Promise<KeepAlive> {
    const { hostname, port, host } = new URL(url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    return new KeepAlive(socket.setNoDelay(), { host, ...headers })
  }

  /** @returns the body. @throws unless the status is 200 or 201 */
  async request (method: string, path: string, body?: object): Promise<Buffer> {
    const payload = body === undefined ? '' : JSON.stringify(body)
    const reply = new Promise<Buffer>((resolve, reject) => { this.#settle = { resolve, reject } })
    this.#socket.write(`${method} ${path} HTTP/1.1\r\n${this.#headers}${payload && `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(payload)}\r\n`}\r\n${payload}`)
    const bytes = await reply
    const status = bytes.toString('latin1', 9, 12)
    const content = bytes.subarray(bytes.indexOf(END_OF_HEAD) + END_OF_HEAD.length)
    if (status !== '200' && status !== '201') throw new Error(`${method} ${path}: ${status} ${content}`)
    return content
  }

  close (): void {
    this.#settle = undefined
    this.#socket.destroy()
  }

  #take (data: Buffer): void {
    this.#parts.push(data)
    this.#size += data.length
    if (this.#expected === Infinity) this.#expected = sizeOf(this.#parts.length === 1 ? data : Buffer.concat(this.#parts))
    if (this.#size < this.#expected) return
    const reply = this.#parts.length === 1 ? data : Buffer.concat(this.#parts)
    this.#parts = []
    this.#size = 0
    this.#expected = Infinity
    this.#settle?.resolve(reply)
  }
}

function sizeOf (bytes: Buffer): number {
  const end = bytes.indexOf(END_OF_HEAD)
  if (end === -1) return Infinity
  const length = /\r\ncontent-length: (\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1]
  if (length === undefined) throw new Error('A reply without a Content-Length')
  return end + END_OF_HEAD.length + Number(length)
}
