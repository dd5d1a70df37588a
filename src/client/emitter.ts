/** Calls back those who listen, in the order in which they came. One that throws harms neither the others nor us. */
export class Emitter<Listeners extends Record<keyof Listeners, (...args: never[]) => void>> {
  readonly #listeners = new Map<keyof Listeners, Set<(...args: never[]) => void>>()

  /** @returns what takes the listener off again */
  on<Name extends keyof Listeners> (name: Name, listener: Listeners[Name]): () => void {
    const own = ((...args) => listener(...args)) as Listeners[Name] // who listens twice is called twice
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(own))
    return () => { listeners.delete(own) }
  }

  protected emit<Name extends keyof Listeners> (name: Name, ...args: Parameters<Listeners[Name]>): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(...args as never[])
      } catch (error) {
        queueMicrotask(() => { throw error }) // said where all uncaught errors are said
      }
    }
  }
}
