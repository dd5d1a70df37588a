import { partitionOf, type Topic } from './topics.ts'

/** Channels of one command. */
const AT_ONCE = 500

export interface SubscriptionsOptions {
  channelOf: (topic: Topic) => string
  /** @throws when the link is gone */
  subscribe: (channels: string[]) => Promise<void>
  unsubscribe: (channels: string[]) => Promise<void>
  /** These are heard from now on. */
  onHeard: (topics: Topic[]) => void
  /** A command may name channels of one partition only. */
  byPartition: boolean
  /** A command has failed: what is heard is not what should be, until `linked` is called again. */
  onFailed: (error: unknown) => void
}

/**
 * What this node hears of, as the server knows it and as it should be. Whatever is asked for within a turn of the loop, and while the server is being
 * told, goes in one command.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #wanted = new Set<Topic>()
  /** As far as the server knows. */
  readonly #heard = new Set<Topic>()
  readonly #changed = new Set<Topic>()
  #isLinked = false
  #working: Promise<void> | undefined

  constructor (options: SubscriptionsOptions) {
    this.#options = options
  }

  /** What the server is known to tell this node of. */
  get heard (): ReadonlySet<Topic> { return this.#heard }

  /** @returns when they are heard, or the link is gone (what is committed meanwhile is then looked for when it is back) */
  add (topics: Topic[]): Promise<void> {
    for (const topic of topics) {
      this.#wanted.add(topic)
      if (!this.#heard.has(topic)) this.#changed.add(topic)
    }
    return this.#settled()
  }

  remove (topics: Topic[]): void {
    for (const topic of topics) {
      this.#wanted.delete(topic)
      this.#changed.add(topic)
    }
    void this.#settled()
  }

  /** The link is there, and nothing is subscribed to. @returns when all is */
  async linked (): Promise<void> {
    this.#isLinked = true
    this.#heard.clear()
    this.#changed.clear()
    for (const topic of this.#wanted) this.#changed.add(topic)
    await this.#settled()
  }

  lost (): void {
    this.#isLinked = false
    this.#heard.clear()
    this.#changed.clear()
  }

  async #settled (): Promise<void> {
    while (this.#isLinked && this.#changed.size > 0) {
      this.#working ??= this.#work().finally(() => { this.#working = undefined })
      await this.#working
    }
  }

  async #work (): Promise<void> {
    await new Promise(resolve => setImmediate(resolve)) // what else comes in this turn
    const changed = [...this.#changed]
    this.#changed.clear()
    const toHear = changed.filter(topic => this.#wanted.has(topic) && !this.#heard.has(topic))
    const toLeave = changed.filter(topic => !this.#wanted.has(topic) && this.#heard.has(topic))
    try {
      await Promise.all([
        ...this.#batches(toHear).map(async topics => {
          await this.#options.subscribe(topics.map(this.#options.channelOf))
          for (const topic of topics) this.#heard.add(topic)
          this.#options.onHeard(topics)
        }),
        ...this.#batches(toLeave).map(async topics => {
          for (const topic of topics) this.#heard.delete(topic)
          await this.#options.unsubscribe(topics.map(this.#options.channelOf))
        }),
      ])
    } catch (error) {
      const wasLinked = this.#isLinked // else it is known already
      this.lost()
      if (wasLinked) this.#options.onFailed(error)
    }
  }

  #batches (topics: Topic[]): Topic[][] {
    const groups = this.#options.byPartition ? [...Map.groupBy(topics, partitionOf).values()] : [topics]
    return groups.flatMap(group => Array.from({ length: Math.ceil(group.length / AT_ONCE) }, (_, n) => group.slice(n * AT_ONCE, (n + 1) * AT_ONCE)))
  }
}
