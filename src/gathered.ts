/**
 * Does many small things in one go: what is asked for while one batch is under way is the next. There is no timer: who asks
 * alone is served at once. What is asked for twice in a batch is done once; a batch that fails fails for all of it.
 */
export class Gathered<Item, Result> {
  readonly #run: (items: Item[]) => Promise<Map<Item, Result>>
  readonly #atOnce: number
  #waiting = new Map<Item, PromiseWithResolvers<Result | undefined>>()
  #isRunning = false

  constructor (run: (items: Item[]) => Promise<Map<Item, Result>>, atOnce: number) {
    this.#run = run
    this.#atOnce = atOnce
  }

  /** @returns undefined where the batch says nothing of it */
  async do (item: Item): Promise<Result | undefined> {
    const waiting = this.#waiting.get(item) ?? Promise.withResolvers<Result | undefined>()
    this.#waiting.set(item, waiting)
    if (!this.#isRunning) void this.#drain()
    return waiting.promise
  }

  async #drain (): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, this.#atOnce)
      for (const [item] of batch) this.#waiting.delete(item)
      try {
        const results = await this.#run(batch.map(([item]) => item))
        for (const [item, { resolve }] of batch) resolve(results.get(item))
      } catch (error) {
        for (const [, { reject }] of batch) reject(error)
      }
    }
    this.#isRunning = false
  }
}
