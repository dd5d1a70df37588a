import type { Message } from '../contract.ts'
import type { Client } from './client.ts'
import { bound, type ChatState, type ClientState } from './state.ts'

export interface Counts { unreadCount: number, mentionCount: number }

/** Of one chat, not more often than this. */
const AGAIN_MS = 1_000

function countsFor (userId: string | null, { type, senderId, deletedAt, fromBlocked }: Message): boolean {
  return type !== 'SYSTEM' && senderId !== userId && !deletedAt && !fromBlocked
}

/** Of the messages that are loaded, those above a seq that are unread. (Hidden ones are not there.) */
function counted (messages: Iterable<Message>, base: number, userId: string | null): Counts {
  let unreadCount = 0
  let mentionCount = 0
  for (const message of messages) {
    if (message.seq <= base || !countsFor(userId, message)) continue
    unreadCount++
    if (message.mentions.all || message.mentions.userIds.includes(userId ?? '')) mentionCount++
  }
  return { unreadCount, mentionCount }
}

/**
 * Exact counts of what is unread. Where all of it is loaded, it is counted here. Where it is not, the server is asked
 * whenever the chat has changed, and until it has answered, what is new since its last answer is added to that.
 */
export class Unread {
  readonly #client: Client
  readonly #changed: (chatId: string) => void
  readonly #answers = new Map<string, Counts & { of: ChatState, lastSeq: number }>()
  readonly #asking = new Set<string>()

  constructor (client: Client, changed: (chatId: string) => void) {
    this.#client = client
    this.#changed = changed
  }

  /** @param readSeq up to here the user has read, whether the server knows it yet or not */
  of (chat: ChatState, readSeq: number): Counts {
    const { userId } = this.#client.state
    const base = Math.max(readSeq, bound(chat))
    if (chat.loaded && base + 1 >= chat.fromSeq) return counted(chat.messages.values(), base, userId)
    const { unreadCount, mentionCount, lastSeq } = this.#answers.get(chat.chatId) ?? { ...chat.head, lastSeq: chat.head.lastSeq }
    const more = counted(chat.messages.values(), lastSeq, userId)
    return { unreadCount: unreadCount + more.unreadCount, mentionCount: mentionCount + more.mentionCount }
  }

  /** Asks for what cannot be counted. */
  update ({ chats }: ClientState): void {
    if (this.#client.status !== 'live') return
    for (const chatId of this.#answers.keys()) if (!chats.has(chatId)) this.#answers.delete(chatId)
    for (const chat of chats.values()) {
      const { loaded, stale, isStream, chatId, head, fromSeq } = chat
      if (!loaded || stale || isStream || this.#asking.has(chatId) || Math.max(head.readSeq, bound(chat)) + 1 >= fromSeq || this.#answers.get(chatId)?.of === chat) continue
      void this.#ask(chat)
    }
  }

  async #ask (chat: ChatState): Promise<void> {
    const { chatId } = chat
    this.#asking.add(chatId)
    try {
      const counts = await this.#client.command('get_unread', { chatId }) as Counts
      this.#answers.set(chatId, { ...counts, of: chat, lastSeq: chat.head.lastSeq })
      this.#changed(chatId)
    } catch {
      // Left the chat, lost the line: what comes next asks again.
    }
    this.#client.after(AGAIN_MS, () => {
      this.#asking.delete(chatId)
      this.update(this.#client.state)
    })
  }
}
