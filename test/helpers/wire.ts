// What goes over the wire as it is: nothing is retried, mended or left out. Every answer and every frame is held against the contract.
import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { WebSocket, type RawData } from 'ws'
import type { CommandName } from '../../src/contract.ts'
import { assertCommand, assertError, assertExchange, assertFrame, PREFIX, routeAt, routesOf, type Route } from './contract.ts'
import type { Parley } from './parley.ts'

export type Input = Record<string, unknown>
export type Frame = Record<string, unknown> & { type: string }

/** What came of an operation, whichever way it was asked for. `code`: of an error. */
export interface Answer { status?: number, code: string | null, body: Record<string, unknown>, headers?: Headers }

export interface Request {
  /** Sent as it is; an object as JSON. */
  body?: object | string | Buffer
  headers?: Record<string, string>
  /** null: none. */
  token?: string | null
}

/** The route by its name, `POST /sessions/{chatId}/read`. */
export function routeNamed (app: FastifyInstance, name: string): Route {
  const route = routesOf(app).find(each => each.name === name)
  if (!route) throw new Error(`There is no route ${name}`)
  return route
}

/** A request. Errors are held against their shape. */
export async function rest ({ url }: Pick<Parley, 'url'>, method: string, path: string, { body, headers, token }: Request = {}): Promise<Answer & { status: number }> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(token != null && { authorization: `Bearer ${token}` }), ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const answer = { status: response.status, body: text === '' ? {} : JSON.parse(text), headers: response.headers, code: null }
  const route = path.startsWith(PREFIX) && response.status < 400 ? routeAt(url, method, path.slice(PREFIX.length)) : undefined
  if (route) assertExchange(route, response.status, answer.body, typeof body === 'object' && !Buffer.isBuffer(body) ? body : undefined)
  if (response.status < 400) return answer
  assertError(response.status, answer.body)
  return { ...answer, code: answer.body.code }
}

/** Calls a route: of the input what its path names goes there, the rest into the query of GET and DELETE (which have no body, but for one), else into the body. */
export async function callRoute (parley: Pick<Parley, 'url' | 'app'>, token: string | null, name: string, input: Input = {}): Promise<Answer & { status: number }> {
  const route = routeNamed(parley.app, name)
  const { path, rest: others } = fillIn(route.path, input)
  const inQuery = !route.hasBody && (route.method === 'GET' || route.method === 'DELETE')
  const query = inQuery && others.length > 0 ? `?${new URLSearchParams(others.flatMap(asQuery))}` : ''
  const answer = await rest(parley, route.method, PREFIX + path + query, { token, ...(!inQuery && others.length > 0 && { body: Object.fromEntries(others) }) })
  assertExchange(route, answer.status, answer.body)
  return answer
}

/** What is an object in a body is `label.<key>=<value>` in a query. */
function asQuery ([key, value]: [string, unknown]): [string, string][] {
  if (key !== 'labels') return [[key, String(value)]]
  return Object.entries(value as object).map(([label, each]) => [`label.${label}`, String(each)])
}

export function fillIn (path: string, input: Input): { path: string, rest: [string, unknown][] } {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(input[name])))
  return { path: filled, rest: Object.entries(input).filter(([name]) => !path.includes(`{${name}}`)) }
}

export interface ConnectOptions { token?: string | null, protocols?: string[], headers?: Record<string, string> }

/** A socket of its own, which is signed in (by the header) if there is a token. */
export async function connect (parley: Pick<Parley, 'wsUrl'>, { token = null, protocols = [], headers = {} }: ConnectOptions = {}): Promise<Wire> {
  const socket = new WebSocket(parley.wsUrl, protocols, { headers: { ...headers, ...(token !== null && { authorization: `Bearer ${token}` }) } })
  const wire = new Wire(socket)
  await Promise.race([once(socket, 'open'), wire.closed])
  return wire
}

/** As `connect`, once the server has said `authenticated`. */
export async function signIn (parley: Pick<Parley, 'wsUrl' | 'token'>, userId: string): Promise<Wire> {
  const wire = await connect(parley, { token: parley.token(userId) })
  await wire.next(frame => frame.type === 'authenticated')
  return wire
}

/** A test that waits for what never comes fails after this, and says what did come. */
const PATIENCE_MS = 30_000

interface Waiting { matches: (frame: Frame) => boolean, resolve: (frame: Frame) => void, reject: (error: Error) => void }

export class Wire {
  /** All that has come, replies too. */
  readonly frames: Frame[] = []
  readonly closed: Promise<{ code: number, reason: string }>
  readonly #socket: WebSocket
  readonly #asked = new Map<unknown, CommandName>()
  #waiting: Waiting[] = []
  #lastId = 0

  constructor (socket: WebSocket) {
    this.#socket = socket
    this.closed = new Promise(resolve => socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })))
    socket.on('message', (raw: RawData) => this.#take(JSON.parse(raw.toString())))
    socket.on('error', () => {}) // it closes, and that is looked at
    socket.once('close', code => { for (const { reject } of this.#waiting.splice(0)) reject(new Error(`The socket was closed with ${code}`)) })
  }

  get protocol (): string {
    return this.#socket.protocol
  }

  /** Sends text, or (a Buffer) a frame of bytes. */
  send (data: string | Buffer, { binary = false } = {}): void {
    this.#socket.send(data, { binary })
  }

  /** A frame that has come, or will. */
  next (matches: (frame: Frame) => boolean): Promise<Frame> {
    const found = this.frames.find(matches)
    if (found) return Promise.resolve(found)
    return new Promise((resolve, reject) => {
      const said = this.frames.length
      const timer = setTimeout(() => reject(new Error(`Waited in vain, and heard ${JSON.stringify(this.frames.slice(said)).slice(0, 1000)}`)), PATIENCE_MS)
      this.#waiting.push({ matches, resolve: frame => { clearTimeout(timer); resolve(frame) }, reject: error => { clearTimeout(timer); reject(error) } })
    })
  }

  async command (type: CommandName, data?: Input): Promise<Answer> {
    const id = ++this.#lastId
    this.#asked.set(id, type)
    const frame = { id, type, ...(data && { data }) }
    this.send(JSON.stringify(frame))
    const answer = answerOf(await this.next(frame => frame.re === id))
    if (answer.code === null) assertCommand(frame)
    return answer
  }

  /** Sends text as it is, and waits for the reply to the id in it, or for an error that names no command. */
  async raw (data: string | Buffer, id?: number | string, command?: CommandName): Promise<Answer & { re: unknown }> {
    const seen = this.frames.length
    if (command) this.#asked.set(id, command)
    else this.#asked.delete(id)
    this.send(data)
    const frame = await this.next(frame => this.frames.indexOf(frame) >= seen && (frame.re === undefined ? frame.type === 'error' : frame.re === id))
    return { ...answerOf(frame), re: frame.re }
  }

  async close (): Promise<void> {
    this.#socket.close()
    await this.closed
  }

  #take (frame: Frame): void {
    assertFrame(frame, this.#asked.get(frame.re))
    this.frames.push(frame)
    const due = this.#waiting.filter(({ matches }) => matches(frame))
    this.#waiting = this.#waiting.filter(waiting => !due.includes(waiting))
    for (const { resolve } of due) resolve(frame)
  }
}

function answerOf (frame: Frame): Answer {
  if (frame.type !== 'error') return { code: null, body: frame.data as Input }
  const error = frame.error as Input & { code: string }
  return { code: error.code, body: error }
}
