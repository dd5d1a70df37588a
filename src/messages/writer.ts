import type { FastifyBaseLogger } from 'fastify'
import { ApiError, isDatabaseUnavailable, isErrorCode, toApiError } from '../errors.ts'
import type { Queryable } from '../plugins/database.ts'
import { sendMessages, type SendItem, type SendOutcome } from './queries.ts'

/** Two: while one batch waits for its commit, the next is being worked on. */
const MAX_BATCHES = 2
const MAX_BATCH = 256
/** So that one loud chat leaves room for the others in a batch. */
const MAX_BATCH_OF_A_CHAT = 128
const MAX_QUEUE = 10_000
const OVERLOADED_RETRY_MS = 1_000
/** Nobody waits longer for an answer than this. */
const ANSWER_WITHIN_MS = 8_000
const SETTLE_RETRY_MS = 50
const SETTLE_RETRY_MAX_MS = 1_000

interface Entry {
  item: SendItem
  resolve: (outcome: SendOutcome) => void
  reject: (error: ApiError) => void
  readonly takenAt: number
  /** Whether it may have been committed. */
  sent: boolean
  timer: NodeJS.Timeout
}

export interface WriterEvents {
  /** These have been committed just now. */
  created (outcomes: SendOutcome[]): void
  /** So many were at the database for so long; the first of them had waited for it. Milliseconds. */
  batch? (size: number, waitedMs: number, tookMs: number): void
  /** These were committed some time ago, and nobody may have been told. */
  found (outcomes: SendOutcome[]): void
}

/**
 * Group commit: the sends that arrive while a batch is at the database are the next batch. There is no timer, so an idle
 * server sends at once.
 *
 * - A chat is never in two batches at once, and its items keep their order.
 * - Batches do not wait for a chat whose head is held: its items come back, and are sent again alone, waiting.
 * - An item that makes PostgreSQL refuse the batch fails alone: the batch is sent again one by one.
 * - When the connection is lost it is not known whether the batch was committed. The items are sent again, and their keys
 *   tell: who has waited too long is told OUTCOME_UNKNOWN, and settling goes on.
 */
export class Writer {
  readonly #db: Queryable
  readonly #log: FastifyBaseLogger
  readonly #events: WriterEvents
  #queue: Entry[] = []
  readonly #chatsUnderWay = new Set<string>()
  #batches = 0
  #lone = 0
  readonly #drained: (() => void)[] = []

  constructor (db: Queryable, log: FastifyBaseLogger, events: WriterEvents) {
    this.#db = db
    this.#log = log
    this.#events = events
  }

  /** @throws {ApiError} OVERLOADED when the queue is full, OUTCOME_UNKNOWN, or whatever the message was refused for */
  async send (item: SendItem): Promise<SendOutcome> {
    if (this.#queue.length >= MAX_QUEUE) throw new ApiError('OVERLOADED', '', { retryAfterMs: OVERLOADED_RETRY_MS })
    return new Promise((resolve, reject) => {
      const entry: Entry = { item, resolve, reject, takenAt: performance.now(), sent: false, timer: setTimeout(() => this.#giveUp(entry), ANSWER_WITHIN_MS) }
      this.#queue.push(entry)
      this.#pump()
    })
  }

  /** When all that was taken has been committed or refused. */
  async drain (): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>(resolve => this.#drained.push(resolve))
  }

  #isIdle (): boolean {
    return this.#queue.length + this.#batches + this.#lone === 0
  }

  #pump (): void {
    while (this.#batches < MAX_BATCHES) {
      const batch = this.#takeBatch()
      if (batch.length === 0) break
      this.#batches++
      void this.#send(batch, false).finally(() => {
        this.#batches--
        this.#pump()
      })
    }
    if (this.#isIdle()) for (const resolve of this.#drained.splice(0)) resolve()
  }

  /** The oldest items of the chats that are not at the database now, of each chat not more than its share. */
  #takeBatch (): Entry[] {
    const batch: Entry[] = []
    const left: Entry[] = []
    const taken = new Map<string, number>()
    for (const entry of this.#queue) {
      const { chatId } = entry.item
      const count = taken.get(chatId) ?? 0
      if (batch.length < MAX_BATCH && !this.#chatsUnderWay.has(chatId) && count < MAX_BATCH_OF_A_CHAT) {
        taken.set(chatId, count + 1)
        batch.push(entry)
        entry.sent = true
      } else {
        left.push(entry)
      }
    }
    this.#queue = left
    for (const chatId of taken.keys()) this.#chatsUnderWay.add(chatId)
    return batch
  }

  /** Sends a batch to its end. Chats that were held go on beside it, one by one, so that they hold up nobody else. */
  async #send (batch: Entry[], wait: boolean): Promise<void> {
    const held = await this.#commit(batch, wait)
    const heldChats = Map.groupBy(held, entry => entry.item.chatId)
    for (const { item } of batch) if (!heldChats.has(item.chatId)) this.#chatsUnderWay.delete(item.chatId)
    for (const ofOneChat of heldChats.values()) {
      this.#lone++
      void this.#send(ofOneChat, true).finally(() => {
        this.#lone--
        this.#pump()
      })
    }
  }

  /** Answers all entries but those of held chats, which it returns. Never throws. */
  async #commit (batch: Entry[], wait: boolean): Promise<Entry[]> {
    try {
      const startedAt = performance.now()
      const outcomes = await this.#ask(batch, wait)
      if (!wait) this.#events.batch?.(batch.length, startedAt - (batch[0]?.takenAt ?? startedAt), performance.now() - startedAt)
      this.#events.created(outcomes.filter(({ status }) => status === 'created'))
      return settle(batch, outcomes)
    } catch (error) {
      if (isDatabaseUnavailable(error)) {
        this.#log.warn({ err: error, items: batch.length }, 'it is not known whether a batch was committed')
        return this.#findOut(batch)
      }
      return this.#refuse(batch, wait, error)
    }
  }

  async #refuse (batch: Entry[], wait: boolean, error: unknown): Promise<Entry[]> {
    const apiError = toApiError(error)
    if (batch.length === 1 || apiError.retryable) {
      if (!apiError.retryable) this.#log.error({ err: error }, 'the database has refused a message')
      for (const entry of batch) fail(entry, apiError)
      return []
    }
    const held: Entry[] = []
    for (const entry of batch) {
      // Once one has to wait (perhaps for the refused batch itself to be undone), the later ones of its chat wait behind it.
      const isBehind = held.some(({ item }) => item.chatId === entry.item.chatId)
      held.push(...isBehind ? [entry] : await this.#commit([entry], wait))
    }
    return held
  }

  /** Sends again until the database answers. The keys make it safe: what was committed comes back as a duplicate. */
  async #findOut (batch: Entry[]): Promise<Entry[]> {
    for (let delay = SETTLE_RETRY_MS; ; delay = Math.min(delay * 2, SETTLE_RETRY_MAX_MS)) {
      await new Promise(resolve => setTimeout(resolve, delay))
      try {
        const outcomes = await this.#ask(batch, true)
        this.#events.created(outcomes.filter(({ status }) => status === 'created'))
        this.#events.found(outcomes.filter(({ status }) => status === 'duplicate'))
        return settle(batch, outcomes)
      } catch (error) {
        if (!isDatabaseUnavailable(error)) return this.#refuse(batch, true, error)
      }
    }
  }

  #ask (batch: Entry[], wait: boolean): Promise<SendOutcome[]> {
    return sendMessages(this.#db, batch.map(entry => entry.item), { wait })
  }

  #giveUp (entry: Entry): void {
    if (entry.sent) return entry.reject(new ApiError('OUTCOME_UNKNOWN', '', { retryAfterMs: OVERLOADED_RETRY_MS }))
    this.#queue.splice(this.#queue.indexOf(entry), 1)
    entry.reject(new ApiError('OVERLOADED', '', { retryAfterMs: OVERLOADED_RETRY_MS }))
    this.#pump()
  }
}

/** Answers what has been decided. @returns what has not: its chat is held */
function settle (batch: Entry[], outcomes: SendOutcome[]): Entry[] {
  return batch.filter((entry, index) => {
    const outcome = outcomes[index]
    if (outcome?.status === 'busy') return true
    if (!outcome) fail(entry, new ApiError('INTERNAL', '', { cause: new Error('chat.send_messages has left out a row') }))
    else if (outcome.status === 'rejected') fail(entry, refusal(outcome))
    else succeed(entry, outcome)
    return false
  })
}

/** Why a message was refused, for who has sent it. */
export function refusal ({ code, retryAfterMs }: SendOutcome): ApiError {
  if (!isErrorCode(code)) return new ApiError('INTERNAL', '', { cause: new Error(`chat.send_messages says ${code}`) })
  return new ApiError(code, code === 'VALIDATION_FAILED' ? 'type is not that of the attachments' : '', retryAfterMs === null ? {} : { retryAfterMs })
}

function succeed ({ timer, resolve }: Entry, outcome: SendOutcome): void {
  clearTimeout(timer)
  resolve(outcome)
}

function fail ({ timer, reject }: Entry, error: ApiError): void {
  clearTimeout(timer)
  reject(error)
}
