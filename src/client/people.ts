import type { EventFrame } from './frames.ts'
import type { Presence } from '../presence/schemas.ts'
import type { Chat, Message, User } from '../contract.ts'
import type { Client } from './client.ts'
import { hasCode } from './errors.ts'
import type { Http } from './http.ts'
import { Lookup } from './lookup.ts'

export type Unavailable = { unavailable: true }

/** Whoever types is told to have stopped; in case that does not come. */
const TYPING_MS = 6_000

/** What replies and events bring along beside the rows of the chats. */
interface Extras { chat?: Chat, viewerCount?: number, users?: Record<string, User>, related?: Record<string, Message | Unavailable>, user?: User, message?: Message, threadRoot?: Message, messages?: Message[] }

/** What is known beside the store: people, who is there and who types, and messages that are quoted and lie further back than what is loaded. */
export class People {
  readonly users: Lookup<User>
  readonly presences: Lookup<Presence>
  readonly quoted: Lookup<Message | Unavailable>
  readonly #client: Client
  readonly #changed: (chatId?: string) => void
  readonly #typing = new Map<string, Map<string, () => void>>()
  readonly #viewers = new Map<string, number>()

  constructor (client: Client, http: Http, changed: (chatId?: string) => void) {
    this.#client = client
    this.#changed = changed
    this.users = new Lookup(ids => Promise.all(ids.map(async id => this.users.set(id, await http.request('GET', `/users/${encodeURIComponent(id)}`)))), changed)
    this.presences = new Lookup(async userIds => {
      const { data } = await client.command('get_presence', { userIds })
      for (const presence of data) this.presences.set(presence.userId, presence)
    }, changed)
    this.quoted = new Lookup(ids => Promise.all(ids.map(id => this.#fetchMessage(id))), changed)
    client.on('reply', data => this.#learn(data))
    client.on('frame', frame => this.#onFrame(frame))
  }

  /** Who is typing in a chat. */
  typing (chatId: string): string[] {
    return [...this.#typing.get(chatId)?.keys() ?? []]
  }

  viewers (chatId: string): number | null {
    return this.#viewers.get(chatId) ?? null
  }

  /** null: nobody tells us any more. */
  looking (chatId: string, viewers: number | null): void {
    if (viewers !== null) this.#viewers.set(chatId, viewers)
    else this.#viewers.delete(chatId)
    this.#changed(chatId)
  }

  /** The line was lost, and with it all that nobody keeps for us. */
  disconnected (): void {
    for (const typists of this.#typing.values()) for (const cancel of typists.values()) cancel()
    this.#typing.clear()
    this.#viewers.clear()
    for (const lookup of [this.users, this.presences, this.quoted]) lookup.expire()
    this.#changed()
  }

  async #fetchMessage (messageId: string): Promise<void> {
    try {
      await this.#client.command('get_messages', { messageId }).then(data => this.quoted.set(messageId, (data as { message: Message }).message))
    } catch (error) {
      if (hasCode(error, 'MESSAGE_NOT_FOUND', 'CHAT_NOT_FOUND')) this.quoted.set(messageId, { unavailable: true })
    }
  }

  #learn ({ users, related, user, message, threadRoot, messages = [], chat, viewerCount }: Extras): void {
    if (chat && viewerCount !== undefined) this.looking(chat.id, viewerCount)
    for (const each of Object.values(users ?? {})) this.users.set(each.id, each)
    if (user) this.users.set(user.id, user)
    for (const [id, row] of Object.entries(related ?? {})) this.quoted.set(id, row)
    for (const row of [message, threadRoot, ...messages]) if (row && this.quoted.has(row.id)) this.quoted.set(row.id, row)
  }

  #onFrame (frame: EventFrame): void {
    const { type, chatId = '', data } = frame
    this.#learn(data as Extras)
    if (type === 'user_online' || type === 'user_offline' || type === 'presence_update') this.presences.set(data.userId, data)
    else if (type === 'user_typing') this.#type(chatId, data.userId, true)
    else if (type === 'user_stopped_typing') this.#type(chatId, data.userId, false)
    else if (type === 'message_received') this.#type(chatId, data.message.senderId ?? '', false)
    else if (type === 'user_joined_chat' || type === 'user_left_chat') this.#look(chatId, data.userId, type === 'user_joined_chat' ? 1 : -1)
    else if (type === 'viewer_count') this.looking(chatId, data.viewerCount)
    else if (type === 'inbox_updated' && data.blocks) this.quoted.clear()
  }

  #type (chatId: string, userId: string, isTyping: boolean): void {
    const typists = this.#typing.get(chatId) ?? new Map<string, () => void>()
    this.#typing.set(chatId, typists)
    typists.get(userId)?.()
    if (isTyping && userId !== this.#client.state.userId) typists.set(userId, this.#client.after(TYPING_MS, () => this.#type(chatId, userId, false)))
    else if (!typists.delete(userId)) return
    this.#changed(chatId)
  }

  /** (Oneself has been counted from the beginning.) */
  #look (chatId: string, userId: string, more: number): void {
    const here = this.#viewers.get(chatId)
    if (here !== undefined && userId !== this.#client.state.userId) this.looking(chatId, here + more)
  }
}
