import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Queryable } from '../plugins/database.ts'
import { forEachKey } from './grams.ts'
import { fillKeys, listBehind, listPending, loadProgress, loadRows, looseSeqs, storeSegment, type IndexRow, type Progress } from './index-queries.ts'
import { Postings } from './postings.ts'
import { blocksOf, nextSegment, rangeOf, segmentOf, startOf, type Segment } from './segments.ts'
import { fold } from './text.ts'

/** How often it looks for messages that an application has sent by SQL, and others that have no keys yet. */
const SWEEP_MS = 1_000
const PENDING = 500
const BEHIND = 1_000
/** Messages that are read at once. */
const CHUNK = 128
/** Messages that are taken apart, and parts that are put together, before others have their turn: a millisecond or so. */
const TURN = 16
/** After work it rests so many times as long: sends come first. */
const REST = 2
/** As many changed messages in a chat, and the segment with the most of them is made anew. */
const MANY_LOOSE = 256
/** Chats whose newest block is remembered. */
const MAX_CHATS = 10_000

/**
 * Makes what search needs beside the sends: the keys of messages that came without, and the segments of chats. What it has
 * not done yet is found all the same (messages without keys excepted), only by looking at every message.
 *
 * Several processes may do the same at once: who comes second has worked in vain. A text that changes meanwhile is `loose`,
 * which search looks at by itself; a row is settled only by the segment that knows it, and only if it is as it was read.
 */
export class Indexer {
  readonly #db: Queryable
  readonly #log: FastifyBaseLogger
  readonly #newestBlocks = new Map<string, number>()
  readonly #queue = new Set<string>()
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #work: Promise<void> | undefined

  constructor (db: Queryable, log: FastifyBaseLogger) {
    this.#db = db
    this.#log = log
  }

  start (): void {
    this.#timer = setInterval(() => this.#wake(), SWEEP_MS).unref()
    this.#do(this.#catchUp())
  }

  async stop (): Promise<void> {
    this.#stop.abort()
    clearInterval(this.#timer)
    await this.#work
  }

  /** This message has been committed: the first of a block tells that the one before is full. */
  sent (chatId: string, seq: number): void {
    const block = blocksOf(seq - 1)
    if (block === (this.#newestBlocks.get(chatId) ?? 0)) return
    if (this.#newestBlocks.size >= MAX_CHATS) this.#newestBlocks.clear()
    this.#newestBlocks.set(chatId, block)
    this.#queue.add(chatId)
    this.#wake()
  }

  #wake (): void {
    if (!this.#stop.signal.aborted && !this.#work) this.#do(this.#run())
  }

  #do (work: Promise<void>): void {
    this.#work = work
      .catch(error => { if (!this.#stop.signal.aborted) this.#log.warn({ err: error }, 'search could not index') })
      .finally(() => { this.#work = undefined })
  }

  /** What an earlier process has left. */
  async #catchUp (): Promise<void> {
    for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
      const chatIds = await listBehind(this.#db, after, BEHIND)
      for (const chatId of chatIds) this.#queue.add(chatId)
      await this.#run()
      const last = chatIds.at(-1)
      if (last === undefined) return
      after = last
    }
  }

  async #run (): Promise<void> {
    for (const chatId of await fillPending(this.#db)) this.#queue.add(chatId)
    for (const chatId of this.#queue) {
      if (this.#stop.signal.aborted) return
      this.#queue.delete(chatId)
      const started = performance.now()
      if (await indexNext(this.#db, chatId)) this.#queue.add(chatId) // behind the others
      await sleep((performance.now() - started) * REST, undefined, { signal: this.#stop.signal })
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

/** Makes the next segment of a chat, or one anew of which many messages have changed. @returns whether there may be more to do */
export async function indexNext (db: Queryable, chatId: string): Promise<boolean> {
  const progress = await loadProgress(db, chatId)
  if (!progress) return false
  const segment = nextSegment(Math.max(progress.indexed, startOf(progress.minSeq)), progress.lastSeq) ?? await crowded(db, chatId, progress)
  return segment !== undefined && await makeSegment(db, chatId, segment, progress)
}

async function crowded (db: Queryable, chatId: string, { indexed }: Progress): Promise<Segment | undefined> {
  const seqs = await looseSeqs(db, chatId, indexed, MANY_LOOSE)
  if (seqs.length < MANY_LOOSE) return undefined
  const segments = Map.groupBy(seqs.flatMap(seq => segmentOf(seq, indexed) ?? []), ({ level, number }) => `${level}.${number}`)
  return [...segments.values()].sort((a, b) => b.length - a.length)[0]?.[0]
}

async function makeSegment (db: Queryable, chatId: string, segment: Segment, progress: Progress): Promise<boolean> {
  const [first, end] = rangeOf(segment)
  const postings = new Postings(segment.level)
  const settled: IndexRow[] = []
  for (let from = first; from < end; from += CHUNK) {
    for (const row of await loadRows(db, chatId, from, Math.min(from + CHUNK, end))) {
      const { seq, keys } = row
      if (keys === null) return false // soon
      forEachKey({ ...row, keys }, hash => postings.add(seq - first, hash))
      if (row.loose) settled.push(row)
      if (seq % TURN === 0) await setImmediate()
    }
  }
  const parts = []
  for (const part of postings.parts()) {
    parts.push(part)
    if (parts.length % TURN === 0) await setImmediate()
  }
  return storeSegment(db, { ...segment, chatId, parts, settled }, progress)
}
