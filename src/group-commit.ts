import type { FastifyBaseLogger } from 'fastify'
import { BEGIN_WITHIN_MS, notNow } from './deadline.ts'
import { ApiError, isDatabaseUnavailable, toApiError } from './errors.ts'
import { pass } from './failpoints.ts'
import { batchSpan, currentTrace } from './tracing.ts'

const MAX_BATCH = 256
const MAX_QUEUE = 10_000
const RETRY_MS = 1_000
const SETTLE_RETRY_MS = 50
const SETTLE_RETRY_MAX_MS = 1_000

export interface Done<Item, Outcome> {
  item: Item
  outcome: Outcome
  /** It may have been committed before, without anybody having been told. */
  isRepeat: boolean
}

export interface GroupCommitOptions<Item, Outcome extends { status: string }> {
  /** What the log calls them. */
  name: string
  /** How many batches may be at the database at once. With two, one is worked on while the other waits for its commit. */
  batches: number
  /** Items of one key are never in two batches at once, and keep their order. */
  keyOf: (item: Item) => string
  /** So many of one key are in a batch at most: one that is loud leaves room for the others. */
  maxOfKey: number
  /**
   * Does the items in one transaction. Repeatable: what was committed and is asked for again must come to the same.
   * @param wait for what others hold; otherwise such an item's outcome has the status `busy`, and nothing has happened
   * @returns an outcome an item, in their order
   */
  commit: (items: Item[], options: { wait: boolean }) => Promise<Outcome[]>
  /** Whatever else has to follow a commit, before anybody is answered. */
  onCommitted: (done: Done<Item, Outcome>[]) => void
  /** So many were at the database for so long; the first of them had waited for it. Milliseconds. */
  onBatch?: ((size: number, waitedMs: number, tookMs: number) => void) | undefined
}

interface Entry<Item, Outcome> {
  item: Item
  key: string
  resolve: (outcome: Outcome) => void
  reject: (error: ApiError) => void
  /** Whether it has been at the database, and so may have been committed; */
  sent: boolean
  /** and whether that is what happened to an attempt before this one. */
  isRepeat: boolean
  readonly takenAt: number
  timer: NodeJS.Timeout
  /** Where its trace goes on. */
  readonly trace: ReturnType<typeof currentTrace>
}

/**
 * Group commit: what arrives while a batch is at the database is the next batch. There is no timer, so an idle server
 * does it at once.
 *
 * - Batches do not wait for what is held: such an item comes back, and is done alone with those of its key, waiting.
 * - An item that makes PostgreSQL refuse the batch fails alone: the batch is done again one by one.
 * - When the connection is lost it is not known whether the batch was committed. The items are done again until the database
 *   answers: who has waited too long is told OUTCOME_UNKNOWN, and settling goes on.
 */
export class GroupCommit<Item, Outcome extends { status: string }> {
  readonly #options: GroupCommitOptions<Item, Outcome>
  readonly #log: FastifyBaseLogger
  #queue: Entry<Item, Outcome>[] = []
  readonly #keysUnderWay = new Set<string>()
  #batches = 0
  #lone = 0
  #isDraining = false
  readonly #drained: (() => void)[] = []

  constructor (log: FastifyBaseLogger, options: GroupCommitOptions<Item, Outcome>) {
    this.#log = log
    this.#options = options
  }

  /** @returns once it is committed, or has been refused by an outcome @throws {ApiError} OVERLOADED when too many wait, or it did not get its turn; OUTCOME_UNKNOWN; what the database says */
  async do (item: Item): Promise<Outcome> {
    if (this.#queue.length >= MAX_QUEUE) throw notNow()
    return new Promise((resolve, reject) => {
      const entry: Entry<Item, Outcome> = { item, key: this.#options.keyOf(item), resolve, reject, sent: false, isRepeat: false, takenAt: performance.now(), timer: setTimeout(() => this.#giveUp(entry), BEGIN_WITHIN_MS), trace: currentTrace() }
      this.#queue.push(entry)
      this.#pump()
    })
  }

  /** When all that was taken has been committed or refused. From now on nothing is done again for a database that does not answer. */
  async drain (): Promise<void> {
    this.#isDraining = true
    if (!this.#isIdle()) await new Promise<void>(resolve => this.#drained.push(resolve))
  }

  #isIdle (): boolean {
    return this.#queue.length + this.#batches + this.#lone === 0
  }

  #pump (): void {
    while (this.#batches < this.#options.batches) {
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

  /** The oldest items of the keys that are not at the database now, of each key not more than its share. */
  #takeBatch (): Entry<Item, Outcome>[] {
    const batch: Entry<Item, Outcome>[] = []
    const left: Entry<Item, Outcome>[] = []
    const taken = new Map<string, number>()
    for (const entry of this.#queue) {
      const count = taken.get(entry.key) ?? 0
      if (batch.length < MAX_BATCH && !this.#keysUnderWay.has(entry.key) && count < this.#options.maxOfKey) {
        taken.set(entry.key, count + 1)
        batch.push(entry)
        entry.sent = true
      } else {
        left.push(entry)
      }
    }
    this.#queue = left
    for (const key of taken.keys()) this.#keysUnderWay.add(key)
    return batch
  }

  /** Brings a batch to its end. What was held goes on beside it, key by key, so that it holds up nobody else. */
  async #send (batch: Entry<Item, Outcome>[], wait: boolean): Promise<void> {
    const held = await this.#commit(batch, wait)
    const heldByKey = Map.groupBy(held, ({ key }) => key)
    for (const { key } of batch) if (!heldByKey.has(key)) this.#keysUnderWay.delete(key)
    for (const ofOneKey of heldByKey.values()) {
      this.#lone++
      void this.#send(ofOneKey, true).finally(() => {
        this.#lone--
        this.#pump()
      })
    }
  }

  /** Answers all entries but those that are held, which it returns. Never throws. */
  async #commit (batch: Entry<Item, Outcome>[], wait: boolean): Promise<Entry<Item, Outcome>[]> {
    try {
      const startedAt = performance.now()
      const outcomes = await this.#ask(batch, wait)
      if (!wait) this.#options.onBatch?.(batch.length, startedAt - (batch[0]?.takenAt ?? startedAt), performance.now() - startedAt)
      return this.#settle(batch, outcomes)
    } catch (error) {
      if (isDatabaseUnavailable(error)) {
        this.#log.warn({ err: error, items: batch.length, of: this.#options.name }, 'it is not known whether a batch was committed')
        return this.#findOut(batch)
      }
      return this.#refuse(batch, wait, error)
    }
  }

  async #refuse (batch: Entry<Item, Outcome>[], wait: boolean, error: unknown): Promise<Entry<Item, Outcome>[]> {
    const apiError = toApiError(error)
    if (batch.length === 1 || apiError.retryable) {
      if (!apiError.retryable) this.#log.error({ err: error, of: this.#options.name }, 'the database has refused an item')
      // What was not done now may have been done before.
      for (const entry of batch) fail(entry, entry.isRepeat && apiError.retryable ? outcomeUnknown() : apiError)
      return []
    }
    const held: Entry<Item, Outcome>[] = []
    for (const entry of batch) {
      // Once one has to wait (perhaps for the refused batch itself to be undone), the later ones of its key wait behind it.
      const isBehind = held.some(({ key }) => key === entry.key)
      held.push(...isBehind ? [entry] : await this.#commit([entry], wait))
    }
    return held
  }

  /** Does it again until the database answers. */
  async #findOut (batch: Entry<Item, Outcome>[]): Promise<Entry<Item, Outcome>[]> {
    for (const entry of batch) entry.isRepeat = true
    for (let delay = SETTLE_RETRY_MS; ; delay = Math.min(delay * 2, SETTLE_RETRY_MAX_MS)) {
      await new Promise(resolve => setTimeout(resolve, delay))
      try {
        return this.#settle(batch, await this.#ask(batch, false))
      } catch (error) {
        if (!isDatabaseUnavailable(error) || this.#isDraining) return this.#refuse(batch, false, error)
      }
    }
  }

  #ask (batch: Entry<Item, Outcome>[], wait: boolean): Promise<Outcome[]> {
    return batchSpan(this.#options.name, batch.map(({ trace }) => trace), () => this.#options.commit(batch.map(({ item }) => item), { wait }))
  }

  /** Answers what has been decided. @returns what has not: it is held */
  #settle (batch: Entry<Item, Outcome>[], outcomes: Outcome[]): Entry<Item, Outcome>[] {
    if (outcomes.length !== batch.length) throw new Error(`${this.#options.name}: ${batch.length} items and ${outcomes.length} outcomes`)
    const settled = batch.map((entry, index) => ({ entry, item: entry.item, isRepeat: entry.isRepeat, outcome: outcomes[index] as Outcome }))
    const [held, done] = [settled.filter(({ outcome }) => outcome.status === 'busy'), settled.filter(({ outcome }) => outcome.status !== 'busy')]
    if (done.length > 0) pass('publish')
    this.#options.onCommitted(done)
    if (done.length > 0) pass('answer')
    for (const { entry: { timer, resolve }, outcome } of done) {
      clearTimeout(timer)
      resolve(outcome)
    }
    return held.map(({ entry }) => entry)
  }

  #giveUp (entry: Entry<Item, Outcome>): void {
    if (entry.sent) return entry.reject(outcomeUnknown())
    this.#queue.splice(this.#queue.indexOf(entry), 1)
    entry.reject(notNow())
    this.#pump()
  }
}

const outcomeUnknown = (): ApiError => new ApiError('OUTCOME_UNKNOWN', '', { retryAfterMs: RETRY_MS })

function fail<Item, Outcome> ({ timer, reject }: Entry<Item, Outcome>, error: ApiError): void {
  clearTimeout(timer)
  reject(error)
}
