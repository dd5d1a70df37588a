// The other side of the client, without a network and without time: sockets that the test answers by hand, and a clock
// that the test moves.
import { EventEmitter, once } from 'node:events'
import type { Clock } from '../../src/client/clock.ts'
import type { WebSocketClass } from '../../src/client/web-socket.ts'

export interface Command { id: number, type: string, data: Record<string, unknown> }

export const AUTHENTICATED = {
  userId: 'alice',
  connectionId: '01900000-0000-7000-8000-0000000000aa',
  epoch: 'one',
  inboxRevision: 0,
  heartbeatMs: 25_000,
  expiresAt: '2099-01-01T00:00:00.000Z',
  at: '2026-01-01T00:00:00.000Z',
  limits: { maxFrameBytes: 262_144, maxCommandsInFlight: 32, commandsPerSecond: 20 },
}
export const SYNCED = { epoch: 'one', inboxRevision: 0, reset: true, blocks: [], memberships: [], hidden: [], heads: [], nextCursor: null }

export class FakeSocket {
  readonly url: string
  readonly protocols: string[]
  closedWith: number | undefined
  readonly #listeners: Record<string, (event: never) => void> = {}
  readonly #commands: Command[] = []
  readonly #arrivals = new EventEmitter()

  constructor (url: string, protocols: string[]) {
    this.url = url
    this.protocols = protocols
  }

  addEventListener (type: string, listener: (event: never) => void): void {
    this.#listeners[type] = listener
  }

  send (text: string): void {
    this.#commands.push(JSON.parse(text))
    this.#arrivals.emit('command')
  }

  close (code = 1005): void {
    this.closedWith = code
  }

  /** The oldest command of this type that has not been taken yet. */
  async next (type: string): Promise<Command> {
    for (;;) {
      const index = this.#commands.findIndex(command => command.type === type)
      if (index >= 0) return this.#commands.splice(index, 1)[0] as Command
      await once(this.#arrivals, 'command')
    }
  }

  /** Commands that have not been taken. */
  get waiting (): Command[] {
    return [...this.#commands]
  }

  say (frame: object): void {
    this.#listeners.message?.({ data: JSON.stringify(frame) } as never)
  }

  reply ({ id }: Command, data: object, type = 'ok'): void {
    this.say({ re: id, type, data })
  }

  refuse ({ id }: Command, code: string, more: object = {}): void {
    this.say({ re: id, type: 'error', error: { code, message: code, retryable: false, ...more } })
  }

  authenticate (more: object = {}): void {
    this.say({ type: 'authenticated', data: { ...AUTHENTICATED, ...more } })
  }

  /** Lets a user in who has no chats. */
  async welcome (): Promise<void> {
    this.authenticate()
    this.reply(await this.next('sync'), SYNCED, 'synced')
  }

  /** The network, or the server, ends it. */
  drop (code = 1006): void {
    this.#listeners.error?.({} as never)
    this.#listeners.close?.({ code, reason: '' } as never)
  }
}

export class FakeNetwork {
  readonly sockets: FakeSocket[] = []
  readonly WebSocket: WebSocketClass
  readonly #arrivals = new EventEmitter()

  constructor () {
    const connected = (socket: FakeSocket) => {
      this.sockets.push(socket)
      this.#arrivals.emit('socket')
    }
    this.WebSocket = class extends FakeSocket {
      constructor (url: string, protocols: string[]) {
        super(url, protocols)
        connected(this)
      }
    }
  }

  /** The nth socket (from 1) that has been opened, or will be. */
  async socket (n: number): Promise<FakeSocket> {
    for (;;) {
      const socket = this.sockets[n - 1]
      if (socket) return socket
      await once(this.#arrivals, 'socket')
    }
  }
}

/** Time stands still until the test moves it. Chance always says `chance`. */
export class FakeClock implements Clock {
  chance = 1
  now = 0
  #timers: { at: number, callback: () => void }[] = []
  readonly #changes = new EventEmitter()

  after (ms: number, callback: () => void): () => void {
    const timer = { at: this.now + ms, callback }
    this.#timers.push(timer)
    this.#changes.emit('timer')
    return () => { this.#timers = this.#timers.filter(each => each !== timer) }
  }

  random (): number {
    return this.chance
  }

  /** What is waited for, in milliseconds from now. */
  get waits (): number[] {
    return this.#timers.map(({ at }) => at - this.now)
  }

  /** Until somebody waits for so long. */
  async awaited (ms: number): Promise<void> {
    while (!this.waits.includes(ms)) await once(this.#changes, 'timer')
  }

  pass (ms: number): void {
    this.now += ms
    for (const timer of this.#timers.filter(({ at }) => at <= this.now)) {
      this.#timers = this.#timers.filter(each => each !== timer)
      timer.callback()
    }
  }
}
