// The process that the load comes from: many people's sockets, to Parley or to what it is held against.
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { sendMessages } from '../../src/messages/queries.ts'
import type { Queryable } from '../../src/plugins/database.ts'
import { distribution, type Distribution } from './figures.ts'
import { LightSocket } from './light-socket.ts'
import { serveTasks } from './worker.ts'

export type Load = typeof tasks

/** A set of sockets, by a name: to Parley, or (without tokens) to a bare server that sends each frame to all. */
export interface Opening { group: string, url: string, sockets: { token?: string, /** looks at it */ chatId?: string, /** instead of the group's */ url?: string }[] }

export interface Sending {
  group: string
  /** Which of the sockets send, and where to. */
  senders: { socket: number, chatId: string }[]
  content: string
  seconds: number
  /** Before that it does not count. */
  warmUpSeconds?: number
  /** For a bare server: what it is sent, and sends to all. The key in it is replaced. */
  frame?: string
  /** Nothing is sent: each marks the next message as read, this one first. */
  readFrom?: number
}

export interface Pairs {
  group: string
  chatId: string
  content: string
  databaseUrl: string
  /** Whose messages, and to which chat, go without Parley. */
  reference: { chatId: string, senderId: string }
  pairs: number
}

export interface Outcome {
  /** Of those that were acknowledged (by a bare server: came back), from the sending on, in ms. */
  acknowledged: Distribution
  /** From the sending to each receipt by somebody else, in ms. Only of a paced load. */
  received: Distribution
  sendsPerSecond: number
  deliveriesPerSecond: number
}

const AT_ONCE = 50
const KEY = /bench-\d{10}/
const KEY_START = '"bench-'
/** A frame of another kind does not become so long. */
const RECEIVED = '{"type":"message_received"'
const CHANGES = '{"type":"changes"'
const KEYS = /"bench-(\d{10})"/g
const JOIN_ID = 'join'
/** After the last was sent: for what is still under way. */
const LAST_RECEIPTS_MS = 500

interface Group { sockets: LightSocket[], isBare: boolean }

const groups = new Map<string, Group>()

const tasks = {
  async open ({ group, url, sockets }: Opening): Promise<void> {
    const opened: LightSocket[] = []
    const next = sockets.entries()
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (const [index, { token, chatId, url: own = url }] of next) opened[index] = token === undefined ? await LightSocket.open(own, undefined, () => {}) : await signIn(own, token, chatId)
    }))
    groups.set(group, { sockets: opened, isBare: sockets[0]?.token === undefined })
  },

  /** Each sender has so many on their way, all the time. */
  async flood ({ outstanding, ...sending }: Sending & { outstanding: number }): Promise<Outcome> {
    const run = new Run(sending, { onFreed: sender => { if (!isOver) run.send(sender) } })
    let isOver = false
    for (const sender of sending.senders) for (let n = 0; n < outstanding; n++) run.send(sender)
    await delay((sending.warmUpSeconds ?? 0) * 1000)
    run.count()
    await delay(sending.seconds * 1000)
    run.stopCounting()
    isOver = true
    await run.idle()
    return run.outcome()
  },

  /** So many sends a second by all senders in turn, whatever becomes of them. */
  async pace ({ perSecond, ...sending }: Sending & { perSecond: number }): Promise<Outcome> {
    const run = new Run(sending, { onFreed: () => {}, timesReceipts: true })
    const started = performance.now()
    const total = perSecond * (sending.seconds + (sending.warmUpSeconds ?? 0))
    for (let sent = 0; sent < total; sent++) {
      const due = started + sent * 1000 / perSecond
      while (performance.now() < due) await delay(Math.max(1, due - performance.now()))
      if (sent === perSecond * (sending.warmUpSeconds ?? 0)) run.count()
      run.send(sending.senders[sent % sending.senders.length]!)
    }
    await run.idle()
    await delay(LAST_RECEIPTS_MS)
    run.stopCounting()
    return run.outcome()
  },

  /** The first message that the group's last socket is given, when its first one sends: what such a frame looks like. */
  async sample ({ group, chatId, content }: { group: string, chatId: string, content: string }): Promise<string> {
    const { sockets } = groups.get(group)!
    const { promise, resolve } = Promise.withResolvers<string>()
    sockets.at(-1)!.onFrame = (bytes, start, end) => { if (isReceived(bytes, start)) resolve(bytes.toString('utf8', start, end)) }
    sockets[0]!.send(command(keys++, chatId, content))
    return promise
  },

  /** One send by the group's first socket, one by the same statement without Parley, and so on. */
  async alternate ({ group, chatId, content, databaseUrl, reference, pairs }: Pairs): Promise<{ ours: Distribution, theirs: Distribution }> {
    const socket = groups.get(group)!.sockets[0]!
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    const db: Queryable = { query: async (statement, values) => (await client.query({ ...statement, values })).rows }
    let answered: PromiseWithResolvers<void> | undefined
    socket.onFrame = (bytes, start, end) => {
      if (isReply(bytes, start)) answered?.resolve()
      if (isError(bytes, start, end)) answered?.reject(new Error(bytes.toString('utf8', start, end)))
    }
    const [ours, theirs]: [number[], number[]] = [[], []]
    for (let pair = 0; pair < pairs; pair++) {
      const started = performance.now()
      answered = Promise.withResolvers<void>()
      socket.send(command(keys++, chatId, content))
      await answered.promise
      const between = performance.now()
      await sendMessages(db, [{ ...reference, type: 'TEXT', content, metadata: {}, clientMessageId: nameOf(keys++), requestHash: 'hash' }], { wait: false })
      ours.push(between - started)
      theirs.push(performance.now() - between)
    }
    await client.end()
    return { ours: distribution(ours), theirs: distribution(theirs) }
  },

  async close ({ group }: { group: string }): Promise<void> {
    for (const socket of groups.get(group)?.sockets ?? []) socket.close()
    groups.delete(group)
  },
}

let keys = 0

async function signIn (url: string, token: string, chatId: string | undefined): Promise<LightSocket> {
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  const socket = await LightSocket.open(url, token, (bytes, start, end, socket) => {
    const text = bytes.toString('utf8', start, end)
    if (text.includes('"type":"error"')) reject(new Error(text))
    else if (text.startsWith('{"type":"authenticated"')) {
      if (chatId === undefined) resolve()
      else socket.send(JSON.stringify({ id: JOIN_ID, type: 'join_chat', data: { chatId } }))
    } else if (text.startsWith(`{"re":"${JOIN_ID}"`)) resolve()
  })
  await ready
  return socket
}

class Run {
  readonly #sockets: LightSocket[]
  readonly #sending: Sending
  readonly #isBare: boolean
  readonly #onFreed: (sender: Sending['senders'][number]) => void
  readonly #firstKey = keys
  readonly #sentAt: number[] = []
  readonly #sentBy: Sending['senders'][number][] = []
  #isCounting = false
  #countedFromKey = Infinity
  #seconds = 0
  #started = 0
  #underWay = 0
  #deliveries = 0
  readonly #marked = new Map<Sending['senders'][number], number>()
  readonly #acknowledged: number[] = []
  readonly #received: number[] = []
  #failure: Error | undefined

  constructor (sending: Sending, { onFreed, timesReceipts = false }: { onFreed: (sender: Sending['senders'][number]) => void, timesReceipts?: boolean }) {
    const group = groups.get(sending.group)!
    this.#sending = sending
    this.#sockets = group.sockets
    this.#isBare = group.isBare
    this.#onFreed = onFreed
    const isSender = new Set(sending.senders.map(({ socket }) => socket))
    for (const [index, socket] of this.#sockets.entries()) {
      socket.onFrame = (bytes, start, end) => {
        if (isReply(bytes, start)) return this.#onReply(bytes, start, end)
        if (isChanges(bytes, start)) {
          for (const key of keysIn(bytes, start, end)) this.#onDelivery(key, index, timesReceipts)
          return
        }
        if (!isReceived(bytes, start)) return
        if (this.#isCounting) this.#deliveries++
        if (timesReceipts || (this.#isBare && isSender.has(index))) this.#onKey(keyIn(bytes, start), index, timesReceipts)
      }
    }
  }

  send (sender: Sending['senders'][number]): void {
    const { content, frame, readFrom } = this.#sending
    const key = keys++
    const said = () => readFrom === undefined ? command(key, sender.chatId, content) : mark(key, sender.chatId, readFrom + this.#marks(sender))
    this.#sentAt.push(performance.now())
    this.#sentBy.push(sender)
    this.#underWay++
    this.#sockets[sender.socket]!.send(frame === undefined ? said() : frame.replace(KEY, nameOf(key)))
  }

  /** How many the sender has made before. */
  #marks (sender: Sending['senders'][number]): number {
    const marks = this.#marked.get(sender) ?? 0
    this.#marked.set(sender, marks + 1)
    return marks
  }

  count (): void {
    this.#isCounting = true
    this.#countedFromKey = keys
    this.#started = performance.now()
  }

  stopCounting (): void {
    this.#isCounting = false
    this.#seconds = (performance.now() - this.#started) / 1000
  }

  /** When nothing is under way. */
  async idle (): Promise<void> {
    while (this.#underWay > 0 && !this.#failure) await delay(20)
  }

  outcome (): Outcome {
    if (this.#failure) throw this.#failure
    return {
      acknowledged: distribution(this.#acknowledged),
      received: distribution(this.#received),
      sendsPerSecond: this.#acknowledged.length / this.#seconds,
      deliveriesPerSecond: this.#deliveries / this.#seconds,
    }
  }

  #onReply (bytes: Buffer, start: number, end: number): void {
    let key = 0
    for (let at = start + 6; bytes[at]! >= 0x30 && bytes[at]! <= 0x39; at++) key = key * 10 + bytes[at]! - 0x30
    if (isError(bytes, start, end)) this.#failure ??= new Error(`A send was refused: ${bytes.toString('utf8', start, end)}`)
    this.#free(key)
  }

  #onDelivery (key: number, socket: number, timesReceipts: boolean): void {
    if (this.#isCounting) this.#deliveries++
    if (timesReceipts) this.#onKey(key, socket, timesReceipts)
  }

  #onKey (key: number, socket: number, timesReceipts: boolean): void {
    const isOwn = this.#sentBy[key - this.#firstKey]?.socket === socket
    if (isOwn && this.#isBare) this.#free(key)
    if (!isOwn && timesReceipts && key >= this.#countedFromKey) this.#received.push(performance.now() - this.#sentAt[key - this.#firstKey]!)
  }

  #free (key: number): void {
    const sender = this.#sentBy[key - this.#firstKey]
    if (!sender) return // of the run before
    this.#underWay--
    if (this.#isCounting) this.#acknowledged.push(performance.now() - this.#sentAt[key - this.#firstKey]!)
    this.#onFreed(sender)
  }
}

const nameOf = (key: number): string => `bench-${String(key).padStart(10, '0')}`

function command (key: number, chatId: string, content: string): string {
  return `{"id":${key},"type":"send_message","data":{"chatId":"${chatId}","content":"${content}","clientMessageId":"${nameOf(key)}"}}`
}

function mark (key: number, chatId: string, upToSeq: number): string {
  return `{"id":${key},"type":"mark_as_read","data":{"chatId":"${chatId}","upToSeq":${upToSeq}}}`
}

/** {"re": */
function isReply (bytes: Buffer, start: number): boolean {
  return bytes[start + 2] === 0x72 && bytes[start + 3] === 0x65
}

function isError (bytes: Buffer, start: number, end: number): boolean {
  return bytes.toString('latin1', start, Math.min(end, start + 60)).includes('"type":"error"')
}

function isReceived (bytes: Buffer, start: number): boolean {
  return bytes.toString('latin1', start, start + RECEIVED.length) === RECEIVED
}

/** From another node, over a bus that says only that there is something. */
function isChanges (bytes: Buffer, start: number): boolean {
  return bytes.toString('latin1', start, start + CHANGES.length) === CHANGES
}

function keysIn (bytes: Buffer, start: number, end: number): number[] {
  return [...bytes.toString('latin1', start, end).matchAll(KEYS)].map(([, key]) => Number(key))
}

function keyIn (bytes: Buffer, start: number): number {
  const at = bytes.indexOf(KEY_START, start, 'latin1') + KEY_START.length
  return Number(bytes.toString('latin1', at, at + 10))
}

serveTasks(tasks)
