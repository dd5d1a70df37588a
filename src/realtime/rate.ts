/** A token bucket: so many a second, in bursts of twice that. */
export class Rate {
  readonly #perSecond: number
  #tokens: number
  #filledAt = performance.now()

  constructor (perSecond: number) {
    this.#perSecond = perSecond
    this.#tokens = perSecond * 2
  }

  /** @returns 0 if one more is within the rate, else the milliseconds until it would be */
  take (): number {
    if (this.#perSecond === 0) return 0
    const now = performance.now()
    this.#tokens = Math.min(this.#perSecond * 2, this.#tokens + (now - this.#filledAt) * this.#perSecond / 1000)
    this.#filledAt = now
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      return 0
    }
    return Math.ceil((1 - this.#tokens) * 1000 / this.#perSecond)
  }
}
