import { ClientError } from './errors.ts'

/** Whoever lets more than this wait is not going to catch up. */
const MAX_WAITING = 100_000

/** Events that wait for a `for await` loop. */
export class EventQueue<Event> implements AsyncIterableIterator<Event> {
  readonly #onEnd: () => void
  #waiting: Event[] = []
  #wake: () => void = () => {}
  #ended = false
  #error: ClientError | undefined

  constructor (onEnd: () => void) {
    this.#onEnd = onEnd
  }

  push (event: Event): void {
    if (this.#ended) return
    if (this.#waiting.push(event) > MAX_WAITING) {
      this.#error = new ClientError('EVENTS_OVERFLOW', `More than ${MAX_WAITING} events wait`)
      this.end()
    }
    this.#wake()
  }

  /** What waits is still given. */
  end (): void {
    this.#ended = true
    this.#onEnd()
    this.#wake()
  }

  async next (): Promise<IteratorResult<Event, undefined>> {
    for (;;) {
      const event = this.#waiting.shift()
      if (event !== undefined) return { done: false, value: event }
      if (this.#error) throw this.#error
      if (this.#ended) return { done: true, value: undefined }
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }

  async return (): Promise<IteratorResult<Event, undefined>> {
    this.#waiting = []
    this.end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator] (): this {
    return this
  }
}
