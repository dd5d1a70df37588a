import type { InboxUpdate } from '../sync/schemas.ts'

/**
 * What goes from a committed change to the sockets, through the bus. `data` is JSON already: an event is encoded once,
 * and nothing in it depends on who looks.
 */
export type Frame = ChatFrame | InboxFrame | FleetingFrame

/** A durable change of a chat: delivered once and in order to everybody who follows it. */
export interface ChatFrame {
  kind: 'chat'
  chatId: string
  type: string
  /** The last revision that the frame before covered. */
  previousRevision: number
  revision: number
  data: string
  /** The message in `data`: what lies below a viewer's bound, or comes from somebody they block, they do not get. */
  message?: { seq: number, senderId: string | null }
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
  chatId?: string
  /** To whom it goes; */
  userIds?: string[]
  /** or which of the chat's people: all who follow it, those who look at it, or all of a chat that has few and else those who look. */
  audience?: 'followers' | 'viewers' | 'few'
  /** Whose doing it is: they and who blocks them do not get it. */
  actorId?: string
  /** Nor do these, whom the actor blocks. */
  hiddenFrom?: string[]
}

/** The three forms of a chat's frame, each made when it is first needed and shared by all who may see the same. */
export class EncodedFrame {
  readonly #frame: ChatFrame
  #full: Buffer | undefined
  #redacted: Buffer | undefined
  #skipped: Buffer | undefined

  constructor (frame: ChatFrame) {
    this.#frame = frame
  }

  /** For somebody who may see what lies above the bound, and blocks these senders. */
  for (bound: number, blocks: ReadonlySet<string>): Buffer {
    const { message, data } = this.#frame
    if (message !== undefined && message.seq <= bound) {
      this.#skipped ??= this.#encodeWithoutMessage(data)
      return this.#skipped
    }
    if (message?.senderId != null && blocks.has(message.senderId)) {
      this.#redacted ??= this.#encode(redactData(data))
      return this.#redacted
    }
    this.#full ??= this.#encode(data)
    return this.#full
  }

  /** A message cannot be told to who may not see it; the participants of its frame can: they are told, as `changes` would. */
  #encodeWithoutMessage (data: string): Buffer {
    const { message, ...rest }: { message?: object, participants?: object[] } = JSON.parse(data)
    return rest.participants ? this.#encode(JSON.stringify(rest)) : this.#encode('{}', 'revision_skipped')
  }

  #encode (data: string, type = this.#frame.type): Buffer {
    const { chatId, previousRevision, revision } = this.#frame
    return Buffer.from(`{"type":"${type}","chatId":"${chatId}","previousRevision":${previousRevision},"revision":${revision},"data":${data}}`)
  }
}

/** The redacted form of a frame's message. `chat.redacted` makes the same of a row in SQL. */
export function redactData (data: string): string {
  const parsed: { message?: object } = JSON.parse(data)
  const message = { ...parsed.message, content: null, attachments: [], metadata: {}, mentions: { userIds: [], all: false }, fromBlocked: true }
  return JSON.stringify({ ...parsed, message })
}
