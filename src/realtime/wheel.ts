/**
 * One timer for everything that thousands of sockets wait for: each stands in the slot of the turn at which it is to be looked
 * at next, so that a turn costs as much as there is to do in it.
 */
export class Wheel<Item> {
  readonly #turnMs: number
  readonly #slots: Set<Item>[]
  readonly #slotOf = new Map<Item, Set<Item>>()
  #at = 0

  /** @param reachMs What is due later is looked at then, and put further */
  constructor (turnMs: number, reachMs: number) {
    this.#turnMs = turnMs
    this.#slots = Array.from({ length: Math.ceil(reachMs / turnMs) + 1 }, () => new Set<Item>())
  }

  get items (): Item[] {
    return [...this.#slotOf.keys()]
  }

  has (item: Item): boolean {
    return this.#slotOf.has(item)
  }

  /** Looks at the item in so many milliseconds, at the earliest in the next turn; instead of when it would have been. */
  put (item: Item, inMs: number): void {
    this.remove(item)
    const turns = Math.max(1, Math.min(Math.ceil(inMs / this.#turnMs), this.#slots.length - 1))
    const slot = this.#slots[(this.#at + turns) % this.#slots.length]
    slot?.add(item)
    if (slot) this.#slotOf.set(item, slot)
  }

  remove (item: Item): void {
    this.#slotOf.get(item)?.delete(item)
    this.#slotOf.delete(item)
  }

  /** Looks at whatever is due. @param look says in how many milliseconds to do so again */
  turn (look: (item: Item) => number): void {
    this.#at = (this.#at + 1) % this.#slots.length
    for (const item of [...this.#slots[this.#at] ?? []]) {
      const inMs = look(item)
      if (this.#slotOf.get(item) === this.#slots[this.#at]) this.put(item, inMs) // else it has been removed, or put elsewhere, meanwhile
    }
  }
}
