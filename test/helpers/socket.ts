// A bare WebSocket client that speaks the wire format and nothing else: what the server says is seen as it is, and held against the contract.
import type { Test } from 'tap'
import { WebSocket, type ClientOptions } from 'ws'
import type { CommandName, CommandData, CommandResult, EventData, EventName } from '../../src/contract.ts'
import { assertCommand, assertFrame } from './contract.ts'
import type { Parley } from './parley.ts'

/** A test that waits for what never comes fails after this, and says what did come. */
const PATIENCE_MS = 30_000

export interface Event<Data = unknown> { type: string, chatId?: string, previousRevision?: number, revision?: number, data: Data, error?: { code: string } }
interface Reply { re?: number | string, type: string, data: unknown, error?: { code: string, message: string, retryable: boolean, retryAfterMs?: number } }

/** An error reply. */
export class CommandError extends Error {
  readonly code: string
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined

  constructor ({ code, message, retryable, retryAfterMs }: NonNullable<Reply['error']>) {
    super(`${code}: ${message}`)
    this.code = code
    this.retryable = retryable
    this.retryAfterMs = retryAfterMs
  }
}

export interface SocketOptions extends ClientOptions {
  /** Default: one of the user, in the header. null: none. */
  token?: string | null
  protocols?: string[]
}

export class Socket {
  readonly ws: WebSocket
  /** How it ended. */
  readonly closed: Promise<{ code: number, reason: string }>
  /** Events that nobody has taken with `next` yet, oldest first. */
  readonly events: Event[] = []
  readonly #replies = new Map<number | string, (reply: Reply) => void>()
  /** What was asked, by its id. */
  readonly #asked = new Map<number | string, CommandName>()
  #arrived: (() => void)[] = []
  #lastId = 0

  constructor (ws: WebSocket) {
    this.ws = ws
    this.closed = new Promise(resolve => {
      ws.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() })
        this.#wake()
      })
    })
    ws.on('message', raw => this.#take(JSON.parse(String(raw))))
  }

  /** Sends a command. @throws {CommandError} */
  async command<Name extends CommandName> (type: Name, data: CommandData<Name>): Promise<CommandResult<Name>> {
    const id = ++this.#lastId
    return await this.request({ id, type, data }) as CommandResult<Name>
  }

  /** Sends a frame as it is, and waits for the reply to its id. @throws {CommandError} */
  async request (frame: { id: number | string, type: string, data?: unknown }): Promise<unknown> {
    const reply = new Promise<Reply>(resolve => { this.#replies.set(frame.id, resolve) })
    this.#asked.set(frame.id, frame.type as CommandName)
    this.ws.send(JSON.stringify(frame))
    const ended = this.closed.then(({ code }) => { throw new Error(`The socket was closed with ${code} before ${frame.type} was answered`) })
    const { data, error } = await withPatience(Promise.race([reply, ended]), () => `a reply to ${frame.type}`)
    if (error) throw new CommandError(error)
    assertCommand(frame)
    return data
  }

  /** The next event of a type that nobody has taken yet; it may have come already. */
  async next<Name extends EventName> (type: Name, where: (event: Event<EventData<Name>>) => boolean = () => true): Promise<Event<EventData<Name>>> {
    return await this.nextThat(event => event.type === type && where(event as Event<EventData<Name>>), type) as Event<EventData<Name>>
  }

  /** The same, whatever its type. @param name of what is waited for */
  async nextThat (isWanted: (event: Event) => boolean, name: string): Promise<Event> {
    const wait = async () => {
      for (;;) {
        const found = this.events.find(isWanted)
        if (found) {
          this.events.splice(this.events.indexOf(found), 1)
          return found
        }
        if (this.ws.readyState === WebSocket.CLOSED) throw new Error(`The socket was closed before ${name} came`)
        await new Promise<void>(resolve => this.#arrived.push(resolve))
      }
    }
    return withPatience(wait(), () => `${name}; there were ${this.events.map(event => event.type).join(', ') || 'no events'}`)
  }

  /**
   * Everything that the server had for this socket until now, and that nobody has taken. What a process hands out is
   * written before it answers what comes later.
   */
  async soFar (...types: EventName[]): Promise<Event[]> {
    await this.command('ping', {})
    return this.events.splice(0).filter(event => types.length === 0 || types.includes(event.type as EventName))
  }

  async close (): Promise<void> {
    this.ws.close(1000)
    await this.closed
  }

  /** Takes nothing from the network any more, as a client that hangs. */
  stopReading (): void {
    this.ws.pause()
  }

  #take (frame: Reply | Event): void {
    assertFrame({ ...frame }, 're' in frame && frame.re !== undefined ? this.#asked.get(frame.re) : undefined)
    if ('re' in frame && frame.re !== undefined) {
      this.#replies.get(frame.re)?.(frame)
      this.#replies.delete(frame.re)
      return
    }
    this.events.push(frame as Event)
    this.#wake()
  }

  #wake (): void {
    for (const resolve of this.#arrived.splice(0)) resolve()
  }
}

/** A socket whose handshake is done; nobody need be signed in. @throws if the server refuses the handshake */
export async function openSocket (t: Pick<Test, 'teardown'>, parley: Pick<Parley, 'wsUrl' | 'token'>, userId: string, options: SocketOptions = {}): Promise<Socket> {
  const { token = parley.token(userId), protocols = [], headers, ...rest } = options
  const ws = new WebSocket(parley.wsUrl, protocols, { ...rest, headers: { ...headers, ...(token !== null && { authorization: `Bearer ${token}` }) } })
  t.teardown(() => ws.terminate())
  const socket = new Socket(ws)
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve)
    ws.once('error', reject)
  })
  ws.on('error', () => {}) // how it ends is seen in `closed`
  return socket
}

/** A socket that is signed in, and gets everything that is committed from now on. */
export async function signIn (t: Pick<Test, 'teardown'>, parley: Pick<Parley, 'wsUrl' | 'token'>, userId: string, options: SocketOptions = {}): Promise<Socket> {
  const socket = await openSocket(t, parley, userId, options)
  await socket.next('authenticated')
  return socket
}

async function withPatience<Value> (promise: Promise<Value>, what: () => string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => reject(new Error(`Waited in vain for ${what()}`)), PATIENCE_MS) })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
