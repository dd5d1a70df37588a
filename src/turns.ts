/** Lets so many tasks run at once. The others wait for their turn: the more urgent before the less, of the same urgency first come, first served. */
export class Turns {
  #free: number
  /** By urgency, the most urgent first. */
  readonly #waiting: (() => void)[][]

  constructor (atOnce: number, urgencies: number) {
    this.#free = atOnce
    this.#waiting = Array.from({ length: urgencies }, () => [])
  }

  /** @param urgency 0 is the most urgent */
  async run<Result> (urgency: number, task: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => { this.#waiting[urgency]?.push(resolve) })
    try {
      return await task()
    } finally {
      const next = this.#waiting.find(({ length }) => length > 0)?.shift()
      if (next) next() // the turn is handed over, and never free in between
      else this.#free++
    }
  }
}
