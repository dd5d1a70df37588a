import { setImmediate } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Queryable } from '../plugins/database.ts'
import { BLOCKS_ABOVE, Keys } from './grams.ts'
import { blockRows, fillKeys, insertFilter, listPending, settleRows, unfiltered, unfilteredAbove } from './queries.ts'
import { fold } from './text.ts'

/** How often it looks for messages that an application has sent by SQL, and others that have no keys yet. */
const SWEEP_MS = 1_000
const PENDING = 500
/** Blocks of one chat in a row: the others wait meanwhile. */
const BLOCKS_AT_ONCE = 64
const BLOCK_BITS = 7
/** Chats whose newest block is remembered. */
const MAX_CHATS = 10_000

/**
 * Makes what search needs beside the sends: the keys of messages that came without, and the filters of full blocks. Whatever
 * it has not done yet is found all the same (messages without keys excepted), only by looking at every message of the block.
 *
 * Several processes may do the same at once: the first filter of a block stays. A text that changes meanwhile is `loose`,
 * which search looks at by itself; a row is settled only by who has made the filter, and only if it is as it was read.
 */
export class Indexer {
  readonly #db: Queryable
  readonly #log: FastifyBaseLogger
  readonly #newestBlocks = new Map<string, number>()
  readonly #queue = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #work: Promise<void> | undefined
  #stopped = false

  constructor (db: Queryable, log: FastifyBaseLogger) {
    this.#db = db
    this.#log = log
  }

  start (): void {
    this.#timer = setInterval(() => this.#wake(), SWEEP_MS).unref()
  }

  async stop (): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#work
  }

  /** This message has been committed: the first of a block tells that the one before is full. */
  sent (chatId: string, seq: number): void {
    const block = (seq - 1) >> BLOCK_BITS
    if (block === (this.#newestBlocks.get(chatId) ?? 0)) return
    if (this.#newestBlocks.size >= MAX_CHATS) this.#newestBlocks.clear()
    this.#newestBlocks.set(chatId, block)
    this.#queue.add(chatId)
    this.#wake()
  }

  #wake (): void {
    if (this.#stopped || this.#work) return
    this.#work = this.#run()
      .catch(error => this.#log.warn({ err: error }, 'search could not index'))
      .finally(() => { this.#work = undefined })
  }

  async #run (): Promise<void> {
    for (const chatId of await fillPending(this.#db)) this.#queue.add(chatId)
    for (const chatId of this.#queue) {
      if (this.#stopped) return
      this.#queue.delete(chatId)
      if (await makeFilters(this.#db, chatId, BLOCKS_AT_ONCE) === BLOCKS_AT_ONCE) this.#queue.add(chatId)
    }
  }
}

/** Folds what nobody has folded yet. @returns the chats of the messages */
async function fillPending (db: Queryable): Promise<string[]> {
  const chatIds = new Set<string>()
  for (;;) {
    const pending = await listPending(db, PENDING)
    if (pending.length === 0) return [...chatIds]
    await fillKeys(db, pending.map(({ content, ...row }) => ({ ...row, keys: fold(content) })))
    for (const { chatId } of pending) chatIds.add(chatId)
    if (pending.length < PENDING) return [...chatIds]
  }
}

/** Filters for full blocks of the chat that have none, newest first. @returns how many blocks it has looked at */
export async function makeFilters (db: Queryable, chatId: string, limit: number): Promise<number> {
  const blocks = await unfiltered(db, chatId, limit)
  for (const block of blocks) {
    const rows = await blockRows(db, chatId, block)
    if (rows.some(row => row.keys === null)) continue // soon
    const keys = new Keys()
    for (const row of rows) keys.add(row)
    if (await insertFilter(db, chatId, 0, block, [keys.filter()])) await settleRows(db, chatId, rows.filter(({ loose }) => loose))
    await setImmediate()
  }
  for (const number of await unfilteredAbove(db, chatId)) await makeFilterAbove(db, chatId, number)
  return blocks.length
}

/** Only over blocks that have their filters: a row that is settled by such a filter later would be missing here. */
async function makeFilterAbove (db: Queryable, chatId: string, number: number): Promise<void> {
  const keys = new Keys()
  for (let block = number * BLOCKS_ABOVE; block < (number + 1) * BLOCKS_ABOVE; block++) {
    const rows = await blockRows(db, chatId, block)
    if (rows.some(row => row.keys === null)) return
    for (const row of rows) keys.add(row)
    await setImmediate()
  }
  await insertFilter(db, chatId, 1, number, keys.parts())
}
