// The stretch of network between a server and its PostgreSQL, or its Redis.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Transform } from 'node:stream'
import type { Test } from 'tap'

/**
 * - open: carries what comes
 * - down: refuses whoever comes
 * - silent: takes what comes and carries nothing, as when packets vanish: neither side learns of it
 */
type Mode = 'open' | 'down' | 'silent'

/** One connection through the link, both its ends. */
interface Pair { near: Socket, far: Socket, /** What becomes of what comes from afar. */ way: Transform | null, isSilent: boolean }

/** A way to a server that can be cut, silenced and led elsewhere, as networks are. */
export class Link {
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #target: URL
  #mode: Mode = 'open'
  /** New connections lead what comes from afar through this. */
  through: (() => Transform) | null = null

  private constructor (server: Server, target: URL) {
    this.#server = server
    this.#target = target
    server.on('connection', near => this.#join(near))
  }

  static async to (t: Pick<Test, 'teardown'>, serverUrl: string): Promise<Link> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const link = new Link(server, new URL(serverUrl))
    t.teardown(() => {
      server.close()
      link.cut()
    })
    return link
  }

  /** The server, by this way. */
  get url (): string {
    const url = new URL(this.#target)
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return url.href
  }

  get connections (): number {
    return this.#pairs.size
  }

  /** All connections end; new ones are met as `mode` says. */
  cut (mode: Mode = this.#mode): void {
    this.#mode = mode
    for (const { near, far } of this.#pairs) {
      reset(near)
      reset(far)
    }
  }

  /** What is connected falls silent; new connections are met as `mode` says. */
  silence (mode: Mode = 'silent'): void {
    this.#mode = mode
    for (const pair of this.#pairs) hush(pair)
  }

  /** New connections are carried again. What has fallen silent stays so: such connections do not come back. */
  mend (): void {
    this.#mode = 'open'
  }

  /** New connections end in another server: an address that has moved. */
  lead (databaseUrl: string): void {
    this.#target = new URL(databaseUrl)
  }

  #join (near: Socket): void {
    near.on('error', () => {}) // a close follows
    if (this.#mode === 'down') {
      reset(near)
      return
    }
    const far = connect(Number(this.#target.port || 5432), this.#target.hostname)
    far.on('error', () => {})
    const way = this.through?.() ?? null
    const pair: Pair = { near, far, way, isSilent: false }
    this.#pairs.add(pair)
    near.pipe(far)
    if (way) far.pipe(way).pipe(near)
    else far.pipe(near)
    if (this.#mode === 'silent') hush(pair)
    near.once('close', () => this.#part(pair, far))
    far.once('close', () => this.#part(pair, near))
  }

  /** One end has gone; the other learns of it unless nothing is carried any more. */
  #part (pair: Pair, other: Socket): void {
    if (!pair.isSilent) other.destroy()
    if (pair.near.destroyed && pair.far.destroyed) this.#pairs.delete(pair)
  }
}

/** What is being shut down cannot be reset: its handle would stay for ever, and the process with it. */
function reset (socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

function hush (pair: Pair): void {
  pair.isSilent = true
  pair.near.unpipe(pair.far).pause()
  pair.far.unpipe(pair.way ?? pair.near).pause()
}
