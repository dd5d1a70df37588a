import type { CommandData, CommandName, CommandResult, EventData, EventName } from '../contract.ts'
import { backoff, systemClock, type Clock } from './clock.ts'
import { afterClose } from './close-codes.ts'
import { Connection } from './connection.ts'
import { Emitter } from './emitter.ts'
import { clientStopped, hasCode } from './errors.ts'
import type { EventFrame } from './frames.ts'
import { Replica } from './replica.ts'
import type { ClientState } from './state.ts'
import type { WebSocketClass } from './web-socket.ts'

export interface ClientOptions {
  /** `wss://host/api/v1/chat/ws` */
  url: string
  /** Asked for at every connect, and before the token of an open connection expires. */
  token: () => string | Promise<string>
  /** The platform's, if not given. */
  WebSocket?: WebSocketClass
  clock?: Clock
}

/**
 * - stopped: not started, stopped, or told by the server not to come back
 * - connecting: the socket is being opened
 * - syncing: open, and the store is catching up
 * - live: the store is all that the server has said it to be
 * - waiting: to connect again
 * - offline: by our own wish, until `online`
 */
export type Status = 'stopped' | 'connecting' | 'syncing' | 'live' | 'waiting' | 'offline'

type EventListeners = { [Name in EventName]: (frame: EventFrame<Name>) => void }

/** The server's events by their type, each with its whole frame, and the client's own. */
export interface Listeners extends EventListeners {
  /** The store has changed. */
  state: (state: ClientState) => void
  status: (status: Status) => void
  /** A socket has closed. */
  closed: (code: number, reason: string) => void
  /** Every event, before its own listeners hear of it. */
  frame: (frame: EventFrame) => void
  /** What the server has answered to a command, whoever has sent it. */
  reply: (data: object) => void
}

/** After 4103 we come back as if we had failed so often. */
const SLOW_DOWN_ATTEMPTS = 4

/** Their replies carry it as it is now. */
const CHANGE_A_MESSAGE = new Set<CommandName>([
  'send_message', 'edit_message', 'delete_message', 'add_reaction', 'remove_reaction', 'pin_message', 'unpin_message',
])

/** A connection that comes back by itself, and a store that is kept equal to what the server says. See `createClient`. */
export class Client extends Emitter<Listeners> {
  readonly #options: Required<ClientOptions>
  readonly #replica: Replica
  #connection: Connection | undefined
  #authenticated = false
  #status: Status = 'stopped'
  #attempt = 0
  /** Of the attempt to connect that counts: an earlier one may still be waiting for its token. */
  #latest: object = {}
  #cancelWait: () => void = () => {}
  readonly #timers = new Set<() => void>()

  constructor (options: ClientOptions) {
    super()
    this.#options = { WebSocket: globalThis.WebSocket, clock: systemClock, ...options }
    this.#replica = new Replica({
      clock: this.#options.clock,
      onState: state => this.#onState(state),
      onSynced: () => this.#onSynced(),
    })
  }

  get state (): ClientState {
    return this.#replica.state
  }

  get status (): Status {
    return this.#status
  }

  get isConnected (): boolean {
    return this.#authenticated
  }

  /** Connects, and goes on doing so until `stop`, or until the server says that it is no use. */
  start (): void {
    if (this.#status === 'stopped') void this.#connect()
  }

  /** Closes the connection. What waits is rejected; the store stays as it is, and `start` resumes from it. */
  stop (): void {
    this.#cancelWait()
    this.#setStatus('stopped')
    this.#connection?.close()
  }

  /** Closes the connection until `online`. Commands wait. */
  offline (): void {
    if (this.#status === 'stopped') return
    this.#cancelWait()
    this.#setStatus('offline')
    this.#connection?.close()
  }

  /** Connects now, if that was to happen later, or not before this was called. */
  online (): void {
    if (this.#status !== 'offline' && this.#status !== 'waiting') return
    this.#cancelWait()
    void this.#connect()
  }

  /** Resolves when the store is all that the server has said it to be. @throws {ClientError} CLIENT_STOPPED */
  async whenSynced (): Promise<void> {
    await this.#when(() => this.#status === 'live' && this.#replica.synced)
  }

  /**
   * Sends a command, once there is a connection. @returns the data of the reply
   * @throws {ClientError} the server's refusal; CONNECTION_LOST: it may have been carried out; CLIENT_STOPPED
   */
  async command<Name extends CommandName> (type: Name, data: CommandData<Name>): Promise<CommandResult<Name>> {
    const connection = await this.#connected()
    const result = await connection.command(type, data)
    this.#learn(type, result)
    return result
  }

  /**
   * Sends a message, once, whatever happens to the connection meanwhile: it is sent again with the same key until the
   * server has answered. @throws {ClientError} the server's refusal; CLIENT_STOPPED: it may have been sent
   */
  async send (message: CommandData<'send_message'>): Promise<CommandResult<'send_message'>> {
    const keyed = { clientMessageId: crypto.randomUUID(), ...message }
    for (;;) {
      try {
        return await this.command('send_message', keyed)
      } catch (error) {
        if (!hasCode(error, 'CONNECTION_LOST', 'OUTCOME_UNKNOWN')) throw error
      }
    }
  }

  /** Loads more of a chat's history: the page before what the store holds of it. @throws {ClientError} */
  async loadOlder (chatId: string, limit = 50): Promise<void> {
    await this.#replica.loadOlder(await this.#connected(), chatId, limit)
  }

  async #connect (): Promise<void> {
    const attempt = this.#latest = {}
    this.#setStatus('connecting')
    const token = await this.#freshToken()
    if (this.#status !== 'connecting' || attempt !== this.#latest) return
    if (token === undefined) return this.#connectLater()
    const { url, WebSocket, clock } = this.#options
    const connection = new Connection({
      url,
      token,
      WebSocket,
      clock,
      onOpen: authenticated => this.#onOpen(connection, authenticated),
      onEvent: frame => this.#onEvent(connection, frame),
      onReply: data => this.emit('reply', data),
      onClose: (code, reason) => this.#onClose(connection, code, reason),
    })
    this.#connection = connection
  }

  async #freshToken (): Promise<string | undefined> {
    try {
      return await this.#options.token()
    } catch {
      return undefined // where tokens come from may be down as well
    }
  }

  #connectLater (): void {
    this.#setStatus('waiting')
    this.#cancelWait = this.#options.clock.after(backoff(this.#options.clock, this.#attempt++), () => { void this.#connect() })
  }

  #onOpen (connection: Connection, authenticated: EventData<'authenticated'>): void {
    this.#authenticated = true
    this.emit('authenticated', { type: 'authenticated', data: authenticated })
    this.#setStatus('syncing')
    this.#replica.connected(connection, authenticated)
  }

  /** The status is right when the state is told. */
  #onState (state: ClientState): void {
    if (this.#status === 'live' && !this.#replica.synced) this.#setStatus('syncing')
    this.emit('state', state)
  }

  #onSynced (): void {
    this.#attempt = 0
    this.#setStatus('live')
  }

  #onEvent (connection: Connection, frame: EventFrame): void {
    if (frame.type === 'token_expiring') void this.#renew(connection)
    this.#replica.receive(frame)
    this.emit('frame', frame)
    this.emit(frame.type, frame as never)
  }

  async #renew (connection: Connection): Promise<void> {
    const token = await this.#freshToken()
    // If it fails the server closes with 4101, and a new connection asks for a new token.
    if (token !== undefined) await connection.command('authenticate', { token }).catch(() => {})
  }

  #onClose (connection: Connection, code: number, reason: string): void {
    if (connection !== this.#connection) return
    this.#connection = undefined
    this.#authenticated = false
    this.#replica.disconnected()
    const next = afterClose(code)
    this.emit('closed', code, reason)
    if (next === 'forget') this.#replica.forget()
    if (next === 'slow-down') this.#attempt = Math.max(this.#attempt, SLOW_DOWN_ATTEMPTS)
    if (next === 'stop') this.#setStatus('stopped')
    else if (this.#status !== 'stopped' && this.#status !== 'offline') this.#connectLater()
  }

  /** What the server has answered goes into the store at once; the events that tell the same come by themselves. */
  #learn (type: CommandName, result: unknown): void {
    if (CHANGE_A_MESSAGE.has(type)) this.#replica.acknowledged((result as CommandResult<'edit_message'>).message)
    if (type === 'join_chat' && (result as CommandResult<'join_chat'>).chat.type === 'STREAM') this.#replica.watching((result as CommandResult<'join_chat'>).chat.id)
    if (type === 'leave_chat') this.#replica.left((result as CommandResult<'leave_chat'>).chatId)
    if (type === 'mark_as_read' || type === 'mark_as_delivered') this.#replica.marked(result as CommandResult<'mark_as_read'>)
  }

  /** Resolves when commands can be sent. @throws {ClientError} CLIENT_STOPPED */
  async whenConnected (): Promise<void> {
    await this.#when(() => this.#authenticated)
  }

  /** Calls back after so many milliseconds, or when the client stops. @returns what takes the call back */
  after (ms: number, callback: () => void): () => void {
    const cancelTimer = this.#options.clock.after(ms, () => end())
    const cancel = () => {
      cancelTimer()
      this.#timers.delete(end)
    }
    const end = () => {
      cancel()
      callback()
    }
    this.#timers.add(end)
    return cancel
  }

  async #connected (): Promise<Connection> {
    await this.whenConnected()
    return this.#connection as Connection
  }

  async #when (condition: () => boolean): Promise<void> {
    if (condition()) return
    if (this.#status === 'stopped') throw clientStopped()
    await new Promise<void>((resolve, reject) => {
      const off = this.on('status', status => {
        if (condition()) resolve()
        else if (status === 'stopped') reject(clientStopped())
        else return
        off()
      })
    })
    return await this.#when(condition) // others who waited may have changed it
  }

  #setStatus (status: Status): void {
    if (status === this.#status) return
    this.#status = status
    if (status === 'stopped') for (const end of this.#timers) end()
    this.emit('status', status)
  }
}

/**
 * ```ts
 * const client = createClient({ url: 'wss://chat.example.com/api/v1/chat/ws', token: () => fetchToken() })
 * client.on('state', render)
 * client.start()
 * await client.whenSynced()
 * await client.send({ targetUserId: 'bob', content: 'Hello' })
 * ```
 */
export function createClient (options: ClientOptions): Client {
  return new Client(options)
}
