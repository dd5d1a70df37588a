/**
 * Keeps the store of one user equal to what the server says: feeds it with events, and asks for what it lacks.
 *
 * After each (re)connect: `sync`, then `changes` of every chat (watermarks may have moved without a revision), a few at a
 * time. Later the same for whatever a gap has made stale. One request a chat, one sync at a time. What fails is tried
 * again, with backoff, as long as the connection lasts; after it the next resume begins anew.
 */
import type { CommandResult, EventData, Message, Synced } from '../contract.ts'
import type { HistoryPage } from './chat-chain.ts'
import { backoff, type Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import { ClientError, hasCode } from './errors.ts'
import type { EventFrame } from './frames.ts'
import { EMPTY_STATE, type ChatState, type ClientState } from './state.ts'
import {
  apply, applyAcknowledged, applyChanges, applySynced, applyUnveiled, applyWatermark, finishOlder, resumed, startOlder, withoutChats, withStream,
} from './store.ts'

export interface ReplicaOptions {
  clock: Clock
  /** The state has changed. */
  onState: (state: ClientState) => void
  /** Nothing is lacking any more. */
  onSynced: () => void
}

/** Chats that are fetched at once. The server has a limit, and the application's own commands want to get through. */
const MAX_BUSY = 8
const PAGE = 100

/** An answer has not brought the store forward: asking again at once would not either. */
class NoProgress extends Error {}

const lacks = ({ stale, veiled }: ChatState): boolean => stale || veiled

export class Replica {
  #state: ClientState = EMPTY_STATE
  #connection: Connection | undefined
  #syncing = false
  readonly #busy = new Set<string>()
  /** The streams at which this connection looks. */
  readonly #watched = new Set<string>()
  readonly #delays = new Set<() => void>()
  readonly #options: ReplicaOptions

  constructor (options: ReplicaOptions) {
    this.#options = options
  }

  get state (): ClientState {
    return this.#state
  }

  /** Whether the state is all that the server has said it to be. */
  get synced (): boolean {
    return this.#connection !== undefined && !this.#state.inboxStale && this.#busy.size === 0 && ![...this.#state.chats.values()].some(lacks)
  }

  connected (connection: Connection, authenticated: EventData<'authenticated'>): void {
    this.#connection = connection
    this.#set(resumed(this.#state, authenticated))
    this.#work()
  }

  disconnected (): void {
    this.#connection = undefined
    this.#syncing = false
    this.#busy.clear()
    this.#watched.clear()
    for (const end of this.#delays) end()
  }

  /** The database has another history now. */
  forget (): void {
    this.#set({ ...EMPTY_STATE, userId: this.#state.userId })
  }

  receive (frame: EventFrame): void {
    if (this.#set(apply(this.#state, frame))) this.#work()
  }

  acknowledged (message: Message): void {
    if (this.#set(applyAcknowledged(this.#state, message))) this.#work()
  }

  marked (marked: CommandResult<'mark_as_read'>): void {
    this.#set(applyWatermark(this.#state, marked.chatId, marked))
  }

  /** The server has said that we look at a STREAM. */
  watching (chatId: string): void {
    this.#watched.add(chatId)
    if (this.#set(withStream(this.#state, chatId))) this.#work()
  }

  /** We look at a chat no longer. */
  left (chatId: string): void {
    if (this.#state.chats.get(chatId)?.isStream) this.#set(withoutChats(this.#state, [chatId]))
  }

  /** Loads the page before what is loaded of a chat. @throws {ClientError} */
  async loadOlder (connection: Connection, chatId: string, limit: number): Promise<void> {
    const chat = this.#state.chats.get(chatId)
    if (!chat?.loaded || !chat.hasOlder || chat.older) return
    const before = chat.fromSeq
    this.#set(startOlder(this.#state, chatId))
    let page: HistoryPage | null = null
    try {
      page = await connection.command('get_history', { chatId, before, limit })
    } finally {
      this.#set(finishOlder(this.#state, chatId, before, page))
      this.#work()
    }
  }

  #set (state: ClientState): boolean {
    if (state === this.#state) return false
    this.#state = state
    this.#options.onState(state)
    return true
  }

  /** Starts whatever is lacking and not under way. */
  #work (): void {
    const connection = this.#connection
    if (!connection) return
    if (this.#state.inboxStale) {
      if (!this.#syncing) void this.#sync(connection)
      return
    }
    for (const chat of this.#state.chats.values()) {
      if (this.#busy.size >= MAX_BUSY) return
      if (lacks(chat) && !this.#busy.has(chat.chatId)) void this.#complete(connection, chat.chatId)
    }
    if (this.synced) this.#options.onSynced()
  }

  async #sync (connection: Connection): Promise<void> {
    this.#syncing = true
    await this.#insist(connection, async () => {
      const { epoch, inboxRevision } = this.#state
      const pages: Synced[] = []
      for (let cursor: string | null | undefined; cursor !== null; cursor = pages.at(-1)?.nextCursor ?? null) {
        pages.push(await connection.command('sync', { ...(epoch && { epoch }), inboxRevision, ...(cursor && { cursor }) }))
      }
      this.#set(applySynced(this.#state, pages))
    })
    if (connection !== this.#connection) return
    this.#syncing = false
    this.#work()
  }

  async #complete (connection: Connection, chatId: string): Promise<void> {
    this.#busy.add(chatId)
    await this.#insist(connection, async () => {
      for (let chat = this.#state.chats.get(chatId); chat && lacks(chat); chat = this.#state.chats.get(chatId)) {
        await (chat.stale ? this.#catchUp(connection, chat) : this.#unveil(connection, chat)).catch((error: unknown) => {
          if (!hasCode(error, 'CHAT_NOT_FOUND')) throw error
          if (this.#isSame(chat as ChatState)) this.#set(withoutChats(this.#state, [chatId]))
        })
      }
    })
    if (connection !== this.#connection) return
    this.#busy.delete(chatId)
    this.#work()
  }

  /** What was asked before the user left and joined again says nothing of the chat as it is now. */
  #isSame ({ chatId, membership }: ChatState): boolean {
    return this.#state.chats.get(chatId)?.membership?.joinRevision === membership?.joinRevision
  }

  async #catchUp (connection: Connection, chat: ChatState): Promise<void> {
    if (chat.isStream && !this.#watched.has(chat.chatId)) {
      await connection.command('join_chat', { chatId: chat.chatId })
      this.#watched.add(chat.chatId)
    }
    const changes = await connection.command('changes', { chatId: chat.chatId, since: chat.cursor })
    if (!this.#isSame(chat)) return
    this.#set(applyChanges(this.#state, changes))
    const now = this.#state.chats.get(chat.chatId)
    if (now?.stale && now.cursor <= chat.cursor) throw new NoProgress()
  }

  /** Reads the loaded range again. Downwards: reading upwards would count as having got the messages. */
  async #unveil (connection: Connection, { chatId, messages, fromSeq }: ChatState): Promise<void> {
    let before = Math.max(...messages.keys()) + 1
    while (before > fromSeq) {
      const { data, nextCursor } = await connection.command('get_history', { chatId, before, limit: PAGE })
      this.#set(applyUnveiled(this.#state, chatId, data))
      before = nextCursor === null ? 0 : data[0]?.seq ?? 0
    }
    if (this.#state.chats.get(chatId)?.veiled) throw new NoProgress()
  }

  /** Does a task until it succeeds or the connection is lost. */
  async #insist (connection: Connection, task: () => Promise<void>): Promise<void> {
    for (let attempt = 0; connection === this.#connection; attempt++) {
      try {
        return await task()
      } catch (error) {
        if (connection !== this.#connection) return
        if (hasCode(error, 'EPOCH_CHANGED')) this.forget()
        await this.#delay(error instanceof ClientError && error.retryAfterMs !== undefined ? error.retryAfterMs : backoff(this.#options.clock, attempt))
      }
    }
  }

  #delay (ms: number): Promise<void> {
    return new Promise(resolve => {
      const end = () => {
        cancel()
        this.#delays.delete(end)
        resolve()
      }
      const cancel = this.#options.clock.after(ms, end)
      this.#delays.add(end)
    })
  }
}
