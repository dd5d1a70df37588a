/** A beat is said this often, */
const BEAT_MS = 1_000
/** and a link on which none has come back for this long carries nothing, whatever its sockets say: a host can stop without a word. */
const LOST_AFTER_MS = 3_500
/** How long a start waits for the first one. */
const PATIENCE_MS = 2_000

export interface PulseOptions {
  /** Says something on the link that comes back to `heard`. */
  beat: () => void
  onLost: () => void
  beatMs?: number
}

/** Whether a link carries, all the way: what this process says has to come back to it. */
export class Pulse {
  readonly #options: Required<PulseOptions>
  readonly #onUp: (() => void)[] = []
  #heardAt = 0
  #isUp = false
  #timer: NodeJS.Timeout | undefined

  constructor (options: PulseOptions) {
    this.#options = { beatMs: BEAT_MS, ...options }
  }

  get isUp (): boolean { return this.#isUp }

  onUp (listener: () => void): void {
    this.#onUp.push(listener)
  }

  /** @returns when the first beat has come back, or after a while without */
  async start (): Promise<void> {
    this.#heardAt = Date.now()
    this.#timer = setInterval(() => this.#turn(), this.#options.beatMs).unref()
    this.#options.beat()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onUp.push(resolve)
    const patience = setTimeout(resolve, PATIENCE_MS)
    await promise
    clearTimeout(patience)
  }

  stop (): void {
    clearInterval(this.#timer)
    this.#isUp = false
  }

  /** A beat has come back. */
  heard (): void {
    this.#heardAt = Date.now()
    if (this.#isUp || !this.#timer) return
    this.#isUp = true
    for (const listener of this.#onUp) listener()
  }

  /** It is known that the link is gone. */
  lost (): void {
    this.#isUp = false
  }

  #turn (): void {
    if (Date.now() - this.#heardAt > Math.max(LOST_AFTER_MS, 3 * this.#options.beatMs)) {
      this.#heardAt = Date.now() // it is given as long again
      this.#isUp = false
      this.#options.onLost()
    }
    this.#options.beat()
  }
}
