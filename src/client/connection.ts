import type { CommandData, CommandName, CommandResult, EventData } from '../contract.ts'
import type { Clock } from './clock.ts'
import { ClientError, connectionLost } from './errors.ts'
import { isReply, type ErrorData, type EventFrame, type ReplyFrame, type ServerFrame } from './frames.ts'
import type { WebSocketClass, WebSocketLike } from './web-socket.ts'

type Authenticated = EventData<'authenticated'>

export interface ConnectionOptions {
  /** `wss://host/api/v1/chat/ws` */
  url: string
  token: string
  WebSocket: WebSocketClass
  clock: Clock
  onOpen: (authenticated: Authenticated) => void
  onEvent: (frame: EventFrame) => void
  /** What a command has been answered, before the command itself is. */
  onReply: (data: object) => void
  /** Once, however it ends. The commands under way have been rejected. */
  onClose: (code: number, reason: string) => void
}

interface Pending { resolve: (data: unknown) => void, reject: (error: ClientError) => void }
interface Queued extends Pending { type: string, data: object }

/** From opening the socket to `authenticated`. */
const OPENING_MS = 20_000
/** An answer to our ping takes no longer on a connection that lives. */
const PONG_MS = 10_000
/** What a browser reports of a connection that ended without a close frame. */
const ABNORMAL = 1006
/** Commands before `authenticated` are the server's to refuse, so nothing is sent; after it, its limit is told. */
const NONE_YET = 0

/**
 * One socket, from opening to close: commands and their replies, events, and whether the other side is still there.
 *
 * Browsers hide the server's pings, so silence proves nothing: after a heartbeat without a frame we ask by ourselves.
 */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #socket: WebSocketLike
  readonly #pending = new Map<number | string, Pending>()
  readonly #queue: Queued[] = []
  #maxInFlight = NONE_YET
  #heartbeatMs = 0
  #lastId = 0
  #closed = false
  #stopTimer: () => void

  constructor (options: ConnectionOptions) {
    this.#options = options
    const { url, token, WebSocket, clock } = options
    this.#socket = new WebSocket(url, ['parley.v1', `bearer.${token}`])
    this.#socket.addEventListener('message', ({ data }) => this.#onMessage(data))
    this.#socket.addEventListener('error', () => {}) // a close follows, and tells
    this.#socket.addEventListener('close', ({ code, reason }) => this.#end(code, reason))
    this.#stopTimer = clock.after(OPENING_MS, () => this.#giveUp('not opened in time'))
  }

  /** @returns the reply's data. @throws {ClientError} the server's refusal, or CONNECTION_LOST */
  command<Name extends CommandName> (type: Name, data: CommandData<Name>): Promise<CommandResult<Name>> {
    if (this.#closed) return Promise.reject(connectionLost())
    return new Promise<CommandResult<Name>>((resolve, reject) => {
      this.#queue.push({ type, data, resolve: result => resolve(result as CommandResult<Name>), reject })
      this.#flush()
    })
  }

  close (): void {
    if (this.#closed) return
    this.#socket.close(1000)
    this.#end(1000, '')
  }

  /** The server has a limit on what is in flight; what is above it waits here. */
  #flush (): void {
    while (this.#pending.size < this.#maxInFlight) {
      const next = this.#queue.shift()
      if (!next) return
      const id = ++this.#lastId
      this.#pending.set(id, next)
      this.#socket.send(JSON.stringify({ id, type: next.type, data: next.data }))
    }
  }

  #onMessage (text: unknown): void {
    if (this.#closed || typeof text !== 'string') return
    const frame = JSON.parse(text) as ServerFrame // the server is trusted to keep its own contract
    if (this.#heartbeatMs > 0) this.#watch()
    if (isReply(frame)) this.#onReply(frame)
    else if (frame.type === 'authenticated') this.#onAuthenticated(frame.data)
    else this.#options.onEvent('error' in frame ? { type: 'error', data: frame.error as ErrorData } : frame) // about no command of ours
  }

  #onAuthenticated (authenticated: Authenticated): void {
    this.#maxInFlight = authenticated.limits.maxCommandsInFlight
    this.#heartbeatMs = authenticated.heartbeatMs
    this.#watch()
    this.#options.onOpen(authenticated)
    this.#flush()
  }

  #onReply ({ re, data, error }: ReplyFrame): void {
    const pending = this.#pending.get(re)
    this.#pending.delete(re)
    this.#flush()
    if (error) pending?.reject(new ClientError(error.code, error.message, error))
    else {
      this.#options.onReply(data as object)
      pending?.resolve(data)
    }
  }

  #watch (): void {
    this.#stopTimer()
    this.#stopTimer = this.#options.clock.after(this.#heartbeatMs, () => {
      this.#stopTimer = this.#options.clock.after(PONG_MS, () => this.#giveUp('silent'))
      this.command('ping', {}).catch(() => {}) // whatever comes restarts the watch; what does not come ends it
    })
  }

  /** A dead network would keep a closing socket open for long: for us it is closed now. */
  #giveUp (reason: string): void {
    this.#socket.close()
    this.#end(ABNORMAL, reason)
  }

  #end (code: number, reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopTimer()
    const lost = [...this.#pending.values(), ...this.#queue]
    this.#pending.clear()
    this.#queue.length = 0
    for (const { reject } of lost) reject(connectionLost())
    this.#options.onClose(code, reason)
  }
}
