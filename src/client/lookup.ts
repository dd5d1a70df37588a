/** More than this is not asked for at once. */
const BATCH = 100

/**
 * What is fetched when somebody looks for it. After the line was lost, what is here is still shown, and fetched anew when it is
 * looked at: nobody keeps for us what has happened to it meanwhile.
 */
export class Lookup<Value> {
  readonly #values = new Map<string, Value>()
  readonly #asked = new Set<string>()
  readonly #fetch: (ids: string[]) => Promise<unknown>
  readonly #changed: () => void
  #wanted: string[] = []

  /** @param fetch puts in what it finds, by `set` */
  constructor (fetch: (ids: string[]) => Promise<unknown>, changed: () => void) {
    this.#fetch = fetch
    this.#changed = changed
  }

  get (id: string): Value | undefined {
    if (!this.#asked.has(id)) {
      this.#asked.add(id)
      if (this.#wanted.push(id) === 1) queueMicrotask(() => this.#ask())
    }
    return this.#values.get(id)
  }

  has (id: string): boolean {
    return this.#values.has(id)
  }

  set (id: string, value: Value): void {
    this.#asked.add(id)
    if (this.#values.get(id) === value) return
    this.#values.set(id, value)
    this.#changed()
  }

  /** What is here may be old. */
  expire (): void {
    this.#asked.clear()
  }

  /** What is here may not be seen any more. */
  clear (): void {
    this.#values.clear()
    this.#asked.clear()
  }

  #ask (): void {
    const ids = this.#wanted
    this.#wanted = []
    // What cannot be had now is looked for again after the next reconnect.
    for (let at = 0; at < ids.length; at += BATCH) this.#fetch(ids.slice(at, at + BATCH)).catch(() => {})
  }
}
