/** A frame that says which revisions it covers: after `previousRevision`, up to `revision`. */
interface Link { previousRevision: number, revision: number }

export interface ChainOptions<Frame extends Link> {
  deliver: (frame: Frame) => void
  /** Brings whoever listens from a revision to the newest one by reading the database. @returns the revision reached */
  repair: (since: number) => Promise<number>
  onError: (error: unknown) => void
}

/** A frame that is late (the bus reorders) has this long to come, before the database is asked. */
const PATIENCE_MS = 100
/** After a repair that failed. */
const RETRY_MS = 1_000

/**
 * Delivers frames once and in the order of their revisions, whatever order they come in and whichever are lost.
 *
 * - what was delivered already is dropped, what follows directly is delivered
 * - after a gap, frames wait; if it has not closed in time, one repair (never two at once) reads what is missing
 * - before `start` everything waits
 */
export class Chain<Frame extends Link> {
  #delivered = -1
  /** The newest revision that is known to exist. */
  #expected = -1
  /** Of these the frames will not come. */
  #pulled = -1
  #hasFailed = false
  #state: 'starting' | 'open' | 'repairing' | 'closed' = 'starting'
  #waiting: Frame[] = []
  #timer: NodeJS.Timeout | undefined
  readonly #options: ChainOptions<Frame>

  constructor (options: ChainOptions<Frame>) {
    this.#options = options
  }

  get delivered (): number {
    return this.#delivered
  }

  /** The listeners know everything up to here. */
  start (revision: number): void {
    if (this.#state === 'starting') this.#continue(revision)
  }

  accept (frame: Frame): void {
    if (this.#state === 'closed') return
    this.#expected = Math.max(this.#expected, frame.revision)
    this.#waiting.push(frame)
    this.#drain()
  }

  /** Somebody has seen this revision in the database. If its frame does not come, it is repaired. */
  expect (revision: number): void {
    this.#expected = Math.max(this.#expected, revision)
    this.#drain()
  }

  /** The same, where it is known that no frame will come: it is repaired at once. */
  pull (revision: number): void {
    this.#pulled = Math.max(this.#pulled, revision)
    this.expect(revision)
  }

  close (): void {
    clearTimeout(this.#timer)
    this.#state = 'closed'
    this.#waiting = []
  }

  #continue (revision: number): void {
    if (this.#state === 'closed') return
    this.#state = 'open'
    this.#delivered = Math.max(this.#delivered, revision)
    this.#drain()
  }

  #drain (): void {
    this.#waiting.sort((a, b) => a.previousRevision - b.previousRevision)
    while (this.#state === 'open' && this.#waiting[0] && this.#waiting[0].previousRevision <= this.#delivered) {
      const frame = this.#waiting.shift() as Frame
      if (frame.revision <= this.#delivered) continue
      this.#delivered = frame.revision
      this.#options.deliver(frame)
    }
    if (this.#state !== 'open' || this.#delivered >= this.#expected) return
    if (this.#delivered < this.#pulled && !this.#hasFailed) void this.#repair()
    else this.#repairIn(PATIENCE_MS)
  }

  #repairIn (ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      if (this.#state === 'open' && this.#delivered < this.#expected) void this.#repair()
    }, ms).unref()
  }

  async #repair (): Promise<void> {
    this.#state = 'repairing' // frames that come meanwhile wait
    const wanted = this.#expected
    try {
      const reached = await this.#options.repair(this.#delivered)
      this.#hasFailed = false
      // What was expected and is not there was rolled back by a failover: the epoch tells the clients. What was heard of meanwhile may come after it.
      if (this.#expected === wanted) this.#pulled = this.#expected = Math.max(reached, ...this.#waiting.map(frame => frame.revision))
      this.#continue(reached)
    } catch (error) {
      this.#hasFailed = true
      this.#options.onError(error)
      if (this.#state === 'repairing') this.#state = 'open'
      this.#repairIn(RETRY_MS)
    }
  }
}
