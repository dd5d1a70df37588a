import type { Message } from '../contract.ts'
import type { Client } from './client.ts'
import type { Outbox } from './outbox.ts'
import type { People, Unavailable } from './people.ts'
import type { Receipts } from './receipts.ts'
import type { ServerClock } from './server-clock.ts'
import { bound, type ChatState } from './state.ts'
import type { Unread } from './unread.ts'
import { byActivity, Timeline, type ChatSummary, type LocalMessage } from './views.ts'

export interface LocalStoreParts { client: Client, outbox: Outbox, people: People, unread: Unread, receipts: Receipts, clock: ServerClock }

/** What the user interface reads: the rows of the server, with what the user has done laid over them. */
export class LocalStore {
  readonly #parts: LocalStoreParts
  readonly #timeline = new Timeline()
  readonly #messages = new Map<string, LocalMessage[]>()
  readonly #summaries = new Map<string, ChatSummary>()

  constructor (parts: LocalStoreParts) {
    this.#parts = parts
  }

  /** What was made of a chat is to be made again; of all, without one. */
  changed (chatId?: string): void {
    if (chatId === undefined) this.#summaries.clear()
    else for (const made of [this.#summaries, this.#messages]) made.delete(chatId)
  }

  messages (chatId: string): LocalMessage[] {
    const { client: { state }, outbox } = this.#parts
    const chat = state.chats.get(chatId)
    const made = this.#messages.get(chatId) ?? (chat ? this.#timeline.of(chat, outbox.of(chatId), state.userId) : [])
    this.#messages.set(chatId, made)
    return made
  }

  /** undefined: it is being fetched, and a change follows. */
  message (messageId: string): LocalMessage | Unavailable | undefined {
    const dot = messageId.lastIndexOf('.')
    const chat = this.#parts.client.state.chats.get(messageId.slice(0, dot))
    const seq = Number(messageId.slice(dot + 1))
    if (!chat || seq <= bound(chat) || chat.hidden.has(seq)) return { unavailable: true }
    if (seq >= chat.fromSeq) return this.messages(chat.chatId).find(message => message.seq === seq)
    const found = this.#parts.people.quoted.get(messageId)
    return found && 'id' in found ? this.#timeline.row(found, null) : found
  }

  chat (chatId: string): ChatSummary | undefined {
    const chat = this.#parts.client.state.chats.get(chatId)
    if (!chat) return undefined
    const made = this.#summaries.get(chatId) ?? this.#summary(chat)
    this.#summaries.set(chatId, made)
    return made
  }

  /** All of them, in no order. */
  all (): ChatSummary[] {
    return [...this.#parts.client.state.chats.keys()].map(chatId => this.chat(chatId) as ChatSummary)
  }

  /** As the server lists them. */
  listed (archived: boolean): ChatSummary[] {
    const { userId } = this.#parts.client.state
    return this.all().filter(({ chat, membership, head, type, ...each }) => {
      if (!chat || !membership || type === 'STREAM' || each.request === 'received' || each.archived !== archived) return false
      const isEmpty = head.lastOrdinalSeq <= membership.clearedSeq
      if (type === 'DIRECT') return !isEmpty || (!archived && (membership.clearedSeq > 0 || chat.createdById === userId))
      return type !== 'SUPPORT' || !archived || membership.clearedSeq === 0 || !isEmpty
    }).sort(byActivity)
  }

  #summary (state: ChatState): ChatSummary {
    const { client: { state: { userId } }, people, unread, receipts, clock } = this.#parts
    const { chatId, chat, head, membership, participants, hasOlder, loaded } = state
    const messages = this.messages(chatId)
    const lastMessage = messages.at(-1) ?? null
    const type = chat?.type ?? 'GROUP'
    const otherId = type === 'DIRECT' ? [...participants.keys()].find(each => each !== userId) ?? this.#correspondent(messages) : null
    const isPending = chat?.request?.status === 'PENDING'
    const muted = Date.parse(membership?.mutedUntil ?? '') > clock.now()
    const sentAt = lastMessage?.seq === 0 ? lastMessage.createdAt : null
    return {
      id: chatId,
      type,
      title: chat?.name ?? (otherId === null ? '' : people.users.get(otherId)?.displayName ?? otherId),
      otherId,
      chat,
      head,
      membership,
      participants,
      lastMessage,
      activeAt: sentAt ?? head.lastMessageAt ?? chat?.createdAt ?? '',
      ...unread.of(state, receipts.readSeq(state)),
      muted,
      archived: membership?.archivedSeq != null && (muted || head.lastOrdinalSeq <= membership.archivedSeq),
      pinned: membership?.pinnedAt != null,
      request: !isPending ? null : chat?.request?.requestedById === userId ? 'sent' : 'received',
      typing: people.typing(chatId),
      viewers: people.viewers(chatId),
      hasOlder,
      loaded,
    }
  }

  /** Of somebody who has left, or has not come: by what they have said. */
  #correspondent (messages: Message[]): string | null {
    return messages.find(({ senderId }) => senderId !== null && senderId !== this.#parts.client.state.userId)?.senderId ?? null
  }
}
