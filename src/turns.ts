interface Waiting { begin: () => void, refuse: () => void, until: number }

/** Lets so many tasks run at once. The others wait for their turn: the more urgent before the less, of the same urgency first come, first served. */
export class Turns {
  #free: number
  /** By urgency, the most urgent first. */
  readonly #waiting: Waiting[][]

  constructor (atOnce: number, urgencies: number) {
    this.#free = atOnce
    this.#waiting = Array.from({ length: urgencies }, () => [])
  }

  /**
   * @param urgency 0 is the most urgent
   * @param within milliseconds. Whose turn comes later than that is passed over
   * @throws what `tooLate` makes, for a task that was passed over
   */
  async run<Result> (urgency: number, task: () => Promise<Result>, { within = Infinity, tooLate = () => new Error('The turn came too late') }: { within?: number, tooLate?: () => Error } = {}): Promise<Result> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve, reject) => { this.#waiting[urgency]?.push({ begin: resolve, refuse: () => reject(tooLate()), until: Date.now() + within }) })
    try {
      return await task()
    } finally {
      this.#handOver()
    }
  }

  /** The turn goes to the next, and is never free in between. */
  #handOver (): void {
    for (;;) {
      const next = this.#waiting.find(({ length }) => length > 0)?.shift()
      if (!next) {
        this.#free++
        return
      }
      if (Date.now() <= next.until) return next.begin()
      next.refuse()
    }
  }
}
