import type { Client } from './client.ts'
import { ClientError } from './errors.ts'
import { MAX_TOLD } from './message-status.ts'
import type { ChatState, ClientState } from './state.ts'

type Kind = 'mark_as_read' | 'mark_as_delivered'

/** Of one chat, others are not told more often than this how far messages have come. */
const AGAIN_MS = 1_000

/** Tells the server what has been delivered, by itself, and what has been read, when it is told. The highest of what waits is enough. */
export class Receipts {
  readonly #client: Client
  readonly #insist: (type: Kind, data: { chatId: string, upToSeq: number }) => Promise<unknown>
  readonly #changed: (chatId: string) => void
  /** Up to where the user has read, of which the server has not said that it knows. */
  readonly #reading = new Map<string, { upToSeq: number, done: Promise<void> }>()
  /** Up to where delivery has been told. */
  readonly #told = new Map<string, number>()
  readonly #pausing = new Set<string>()

  constructor (client: Client, insist: (type: Kind, data: { chatId: string, upToSeq: number }) => Promise<unknown>, changed: (chatId: string) => void) {
    this.#client = client
    this.#insist = insist
    this.#changed = changed
  }

  readSeq ({ chatId, head }: ChatState): number {
    return Math.max(head.readSeq, this.#reading.get(chatId)?.upToSeq ?? 0)
  }

  /** @returns when the server knows. @throws {ClientError} */
  read (chatId: string, upToSeq: number): Promise<void> {
    const here = this.#reading.get(chatId)
    if (here) {
      here.upToSeq = Math.max(here.upToSeq, upToSeq)
      this.#changed(chatId)
      return here.done
    }
    const wish = { upToSeq, done: Promise.resolve() }
    this.#reading.set(chatId, wish)
    this.#changed(chatId)
    wish.done = this.#read(chatId, wish)
    return wish.done
  }

  async #read (chatId: string, wish: { upToSeq: number }): Promise<void> {
    try {
      for (let upToSeq = -1; upToSeq < wish.upToSeq;) await this.#insist('mark_as_read', { chatId, upToSeq: upToSeq = wish.upToSeq })
    } finally {
      this.#reading.delete(chatId)
      this.#changed(chatId)
    }
  }

  /** What is here has been delivered. */
  deliver ({ chats }: ClientState): void {
    if (this.#client.status !== 'live') return
    for (const { chatId, loaded, stale, membership, isStream, head: { lastSeq, deliveredSeq, memberCount } } of chats.values()) {
      if (!loaded || stale || !membership || isStream || memberCount > MAX_TOLD) continue
      if (lastSeq > Math.max(deliveredSeq, this.#told.get(chatId) ?? 0) && !this.#pausing.has(chatId)) void this.#deliver(chatId, lastSeq)
    }
  }

  /** Another history, or another line: what was told counts no more. */
  forget (): void {
    this.#told.clear()
  }

  async #deliver (chatId: string, upToSeq: number): Promise<void> {
    this.#pausing.add(chatId)
    this.#told.set(chatId, upToSeq)
    this.#client.after(AGAIN_MS, () => {
      this.#pausing.delete(chatId)
      this.deliver(this.#client.state)
    })
    await this.#client.command('mark_as_delivered', { chatId, upToSeq }).catch((error: unknown) => {
      if (error instanceof ClientError && error.retryable) this.#told.delete(chatId) // again with the next change, at the latest after the next reconnect
    })
  }
}
