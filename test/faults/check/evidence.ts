// What is gathered while faults happen and after they have healed: all that the checker looks at. Times are milliseconds since 1970, of one machine.
import type { Message } from '../../../src/contract.ts'
import type { Stock } from '../helpers/probe.ts'

export type OperationKind = 'send' | 'edit' | 'delete' | 'react' | 'unreact' | 'hide' | 'read' | 'add' | 'remove' | 'leave'

/**
 * Something that a user wanted, however often it was asked for.
 * - ok: it was answered
 * - fail: it was refused, and never asked for without an answer
 * - unknown: an attempt was lost, or answered with OUTCOME_UNKNOWN, and nobody has said since that it was done
 */
export type Outcome = 'ok' | 'fail' | 'unknown'

export interface Operation {
  kind: OperationKind
  userId: string
  chatId: string
  outcome: Outcome
  /** Attempts that were lost, or whose outcome is unknown: each may be carried out, or not, at any later time (a node that was stopped goes on). */
  lostAttempts: number
  /** Of the last attempt that was refused. */
  code?: string
  /** The clientMessageId of a send. */
  key?: string
  /** What it was about, if that was there before. */
  messageId?: string
  /** As the answer says it is now. */
  message?: Pick<Message, 'id' | 'seq' | 'revision' | 'content' | 'deletedAt' | 'editedAt' | 'reactions'>
  /** As the answer to `read` says. */
  readSeq?: number
}

/** A command on a socket, as it was written and answered. */
export interface WireCommand {
  userId: string
  node: number
  type: string
  sentAt: number
  /** null: never. */
  endedAt: number | null
  /** `closed`: with its socket, which is an answer, too: it may have been done. */
  end: 'reply' | 'error' | 'closed' | null
}

/** A number that may only go up, as somebody has seen it: the frames of a socket, the cursors and rows of a store. */
export interface Sighting { who: string, what: string, value: number, /** It must be higher than the one before: nothing comes twice. */ once?: true }

/** An event of a chat, as it came over a socket of the user's. */
export interface ChatEvent { userId: string, chatId: string, type: string, /** null: fleeting. */ revision: number | null, at: number }

/** As the database has it. */
export interface MessageRow { id: string, chatId: string, seq: number, revision: number, senderId: string | null, key: string | null, message: Message }

export interface DatabaseFacts {
  messages: MessageRow[]
  heads: { chatId: string, lastSeq: number, lastRevision: number }[]
  /** Of all rows that take one. */
  revisions: { chatId: string, revision: number, row: string }[]
  /** Chats whose counters (of members, of messages, of each sender's) are not what is there. */
  miscounted: string[]
  /** `<userId> <messageId>` */
  hidden: string[]
  watermarks: { chatId: string, userId: string, readSeq: number }[]
}

/** Everything that a client holds, and everything that the server says of the same to somebody who comes anew. */
export interface Likeness { who: string, found: unknown, wanted: unknown }

/** A time in which the checker grants what nobody could have kept to. */
export interface Outage { from: number, to: number }

export interface Evidence {
  operations: Operation[]
  commands: WireCommand[]
  sightings: Sighting[]
  events: ChatEvent[]
  database: DatabaseFacts
  likenesses: Likeness[]
  presences: { of: string, seenBy: string, expected: 'ONLINE' | 'OFFLINE', found: string }[]
  holdings: { node: number, base: Stock, now: Stock }[]
  /** What a well-behaved client met and should not have. */
  surprises: string[]
  /** When nobody ran on these nodes: stopped by a signal. They owe no answer in that time. */
  stopped: (Outage & { node: number })[]
  /** When nodes may not have heard of each other: what is to stop at once stops by the sweep. */
  busOutages: Outage[]
  sweepMs: number
  /** What time is measured by. A busy machine is late with everything: then it is only looked at what comes, and in which order. */
  patience: Patience
}

/** In milliseconds. */
export interface Patience {
  /** For an answer. */
  answer: number
  /** For something fleeting to end after a removal, where nodes hear each other. */
  fleeting: number
  /** For presence to be right. */
  presence: number
}
