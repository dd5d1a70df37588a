import type { InboxUpdate } from '../sync/schemas.ts'
import { encodeFrame, plainFrame } from './protocol.ts'

/**
 * What goes from a committed change to the sockets, through the bus. `data` is JSON already: an event is encoded once,
 * and nothing in it depends on who looks.
 */
export type Frame = ChatFrame | InboxFrame | FleetingFrame | HintFrame | ExpelFrame | ViewersFrame

export interface MessageFacts { seq: number, senderId: string | null }

/** A durable change of a chat: delivered once and in order to everybody who follows it. */
export interface ChatFrame {
  kind: 'chat'
  chatId: string
  type: string
  /** The last revision that the frame before covered. */
  previousRevision: number
  revision: number
  data: string
  /** When it was published, in milliseconds, by the clock of the node that has committed it. */
  at?: number
  /** See `encodeChat`. */
  encoded?: Buffer
  /** The message in `data`: what lies below a viewer's bound, or comes from somebody they block, they do not get. */
  message?: MessageFacts
  /** The same of the message at the top of its thread. */
  threadRoot?: MessageFacts
  /** These follow from this frame on (itself included). */
  joined?: { userIds: string[], bound: number }
  /** For these it is the last one. */
  left?: string[]
  /** How many are in the chat now, where that has changed. */
  memberCount?: number
  /** The chat is gone: the last frame for everybody. */
  closed?: true
}

/** A durable change that one user alone sees. */
export interface InboxFrame {
  kind: 'inbox'
  userId: string
  previousRevision: number
  revision: number
  update: InboxUpdate
}

/** Typing, receipts, presence: not kept for anybody; dropped for slow readers. */
export interface FleetingFrame {
  kind: 'fleeting'
  type: string
  data: string
  /** See `encodeFleeting`. */
  encoded?: Buffer
  chatId?: string
  /** To whom it goes; */
  userIds?: string[]
  /** or which of the chat's people: all who follow it, those who look at it, or all of a chat that has few and else those who look. */
  audience?: 'followers' | 'viewers' | 'few'
  /** Whose doing it is: they and who blocks them do not get it. */
  actorId?: string
  /** But they do, on all their sockets. */
  toActor?: boolean
  /** Nor do these, whom the actor blocks. */
  hiddenFrom?: string[]
}

/** A chat or an inbox has come to this revision, on another node. What there is, is to be read. */
export type HintFrame = { kind: 'hint', revision: number } & ({ chatId: string, userId?: never } | { userId: string, chatId?: never })

/** The user's sockets, on whatever node, are closed: they may not go on with what they have shown. */
export interface ExpelFrame {
  kind: 'expel'
  userId: string
  /** The close code. */
  code: number
}

/** So many look at the chat on a node: what nodes tell each other, and no client. */
export interface ViewersFrame { kind: 'viewers', chatId: string, node: string, count: number }

/** The bytes for who may see all of it, header included: made once, for the sockets here and on other nodes. */
export function encodeChat (frame: ChatFrame): Buffer {
  frame.encoded ??= encodeWith(frame, frame.type, frame.data)
  return frame.encoded
}

/** The bytes for all who get it. */
export function encodeFleeting (frame: FleetingFrame): Buffer {
  frame.encoded ??= encodeFrame(plainFrame(frame.type, frame.data, frame.chatId))
  return frame.encoded
}

function encodeWith ({ chatId, previousRevision, revision }: ChatFrame, type: string, data: string): Buffer {
  return encodeFrame(`{"type":"${type}","chatId":"${chatId}","previousRevision":${previousRevision},"revision":${revision},"data":${data}}`)
}

/** How a viewer sees a message: as it is, without what it says, or not at all. */
type Sight = 'full' | 'redacted' | 'none'

/** A chat's frame in its few forms, each made when it is first needed and shared by all who may see the same. */
class EncodedFrame {
  readonly #frame: ChatFrame
  readonly #forms = new Map<string, Buffer>()

  constructor (frame: ChatFrame) {
    this.#frame = frame
  }

  /** What they see of it, in a word. */
  form (bound: number, blocks: ReadonlySet<string>): string {
    return `${sightOf(this.#frame.message, bound, blocks)} ${sightOf(this.#frame.threadRoot, bound, blocks)}`
  }

  for (bound: number, blocks: ReadonlySet<string>): Buffer {
    const [message, root] = [sightOf(this.#frame.message, bound, blocks), sightOf(this.#frame.threadRoot, bound, blocks)]
    const form = `${message} ${root}`
    let bytes = this.#forms.get(form)
    if (!bytes) this.#forms.set(form, bytes = this.#encode(message, root))
    return bytes
  }

  /** A message cannot be told to who may not see it; the participants of its frame can: they are told, as `changes` would. */
  #encode (message: Sight, root: Sight): Buffer {
    if (message === 'full' && root === 'full') return encodeChat(this.#frame)
    const { type, data } = this.#frame
    const rows: Rows = JSON.parse(data)
    show(rows, 'message', message)
    show(rows, 'threadRoot', root)
    return rows.message || rows.participants ? encodeWith(this.#frame, type, JSON.stringify(rows)) : encodeWith(this.#frame, 'revision_skipped', '{}')
  }
}

/** Frames of a chat that go out together, as one: most people get the same of all of them. */
export class EncodedFrames {
  readonly #frames: EncodedFrame[]
  /** Of the messages in them. Whoever sees from here on, and blocks nobody, sees everything. */
  readonly #lowestSeq: number
  readonly #forms = new Map<string, Buffer>()

  constructor (frames: ChatFrame[]) {
    this.#frames = frames.map(frame => new EncodedFrame(frame))
    this.#lowestSeq = Math.min(...frames.flatMap(({ message, threadRoot }) => [message?.seq ?? Infinity, threadRoot?.seq ?? Infinity]))
  }

  /** For somebody who may see what lies above the bound, and blocks these senders. */
  for (bound: number, blocks: ReadonlySet<string>): Buffer {
    const form = bound < this.#lowestSeq && blocks.size === 0 ? 'full' : this.#frames.map(frame => frame.form(bound, blocks)).join()
    let bytes = this.#forms.get(form)
    if (!bytes) this.#forms.set(form, bytes = Buffer.concat(this.#frames.map(frame => frame.for(bound, blocks))))
    return bytes
  }
}

interface Rows { message?: object, threadRoot?: object, participants?: object[], watermark?: object }

function sightOf (message: MessageFacts | undefined, bound: number, blocks: ReadonlySet<string>): Sight {
  if (!message) return 'full'
  if (message.seq <= bound) return 'none'
  return message.senderId !== null && blocks.has(message.senderId) ? 'redacted' : 'full'
}

function show (rows: Rows, name: 'message' | 'threadRoot', sight: Sight): void {
  const message = rows[name]
  if (sight === 'none') delete rows[name]
  else if (sight === 'redacted' && message) rows[name] = redact(message)
  if (sight === 'redacted' && name === 'message') delete rows.watermark // it is of somebody whom they block
}

/** `chat.redacted` makes the same of a row in SQL. */
function redact (message: object): object {
  return { ...message, content: null, attachments: [], metadata: {}, mentions: { userIds: [], all: false }, fromBlocked: true }
}

/** The data of an event, with its message redacted. */
export function redactData (data: string): string {
  const rows: Rows = JSON.parse(data)
  show(rows, 'message', 'redacted')
  return JSON.stringify(rows)
}
