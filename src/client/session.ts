import type { Chat, CommandData, CommandName, CommandResult, Membership } from '../contract.ts'
import type { NewMessage } from '../messages/schemas.ts'
import { afterClose } from './close-codes.ts'
import { Client, type Status } from './client.ts'
import { backoff, systemClock, type Clock } from './clock.ts'
import { Emitter } from './emitter.ts'
import { ClientError } from './errors.ts'
import { eventStream, type EventStream } from './event-stream.ts'
import type { EventFrame } from './frames.ts'
import { Http } from './http.ts'
import { LocalStore } from './local-store.ts'
import { Lookup } from './lookup.ts'
import { Media } from './media.ts'
import { Outbox, type Outgoing } from './outbox.ts'
import { People } from './people.ts'
import { Receipts } from './receipts.ts'
import { ServerClock } from './server-clock.ts'
import type { ClientState } from './state.ts'
import { Teller, type StoreEvent } from './teller.ts'
import { Unread } from './unread.ts'
import { unsent, type LocalMessage } from './views.ts'
import type { WebSocketClass } from './web-socket.ts'

export interface ParleyOptions {
  /** `https://chat.example.com`, or what stands before it in the address: the API's paths are added. */
  url: string
  /** Asked for at every connect, and before the token of an open connection expires. */
  token: () => string | Promise<string>
  /** false: connects when `start` is called. */
  autoStart?: boolean
  /** false: that messages have been delivered is not told by itself. */
  tellDelivered?: boolean
  /** The platform's, if not given. */
  WebSocket?: WebSocketClass
  clock?: Clock
}

export interface Invitation { chatId: string, membership: Membership, /** null: on its way */ chat: Chat | null }
export interface SendOptions extends NewMessage { files?: (Blob & { name?: string })[], /** The files are voice messages. */ voice?: boolean }

/** What has happened, each with its `type`. */
export type ParleyEvent = StoreEvent | { type: 'status', status: Status } | { type: 'failed', message: LocalMessage }

export type ParleyListeners = { [Event in ParleyEvent as Event['type']]: (event: Event) => void } & {
  /** Something that is shown has changed: at most once a turn. Of which chats; `all`: perhaps of any. */
  change: (change: { chatIds: ReadonlySet<string>, all: boolean }) => void
  /** Whatever the server says, as it comes. */
  frame: (frame: EventFrame) => void
}

/** The connection of one user, the store behind it, and what of it is told to the application. */
export class Session extends Emitter<ParleyListeners> {
  /** The connection, and the rows of the server. */
  readonly core: Client
  protected readonly http: Http
  protected readonly media: Media
  protected readonly clock = new ServerClock()
  protected readonly people: People
  readonly #unread: Unread
  readonly #teller = new Teller()
  protected readonly receipts: Receipts
  protected readonly outbox: Outbox
  protected readonly store: LocalStore
  protected readonly invited: Lookup<Chat>
  readonly #queues = new Set<EventStream<ParleyEvent>>()
  protected readonly opened = new Set<string>()
  readonly #dirty = new Set<string>()
  #isDirty = false
  #allDirty = false
  readonly #timers: Clock
  readonly #tellsDelivered: boolean
  #before: ClientState
  #stoppedBy: { code: number, reason: string } | null = null

  constructor ({ url, token, autoStart = true, tellDelivered = true, ...options }: ParleyOptions) {
    super()
    const clock = options.clock ?? systemClock
    this.http = new Http(url, token, () => this.core.whenConnected())
    this.core = new Client({ ...options, clock, url: this.http.url('/ws').replace(/^http/, 'ws'), token: () => this.http.token() })
    const { core } = this
    const changed = (chatId?: string) => this.#changed(chatId)
    const insist = <Name extends CommandName>(type: Name, data: CommandData<Name>) => this.persist(() => core.command(type, data))
    this.#before = core.state
    this.#timers = clock
    this.#tellsDelivered = tellDelivered
    this.media = new Media(this.http, this.clock)
    this.people = new People(core, this.http, changed)
    this.#unread = new Unread(core, changed)
    this.receipts = new Receipts(core, insist, changed)
    this.invited = new Lookup(ids => Promise.all(ids.map(async chatId => this.invited.set(chatId, (await core.command('get_chat', { chatId })).chat))), changed)
    this.outbox = new Outbox({
      send: async (target, message) => (await insist('send_message', { ...target, ...message })).message,
      upload: (chatId, file, more) => this.persist(() => this.media.upload(chatId, file, more)),
      changed: item => this.#onSending(item),
      failed: item => this.#tell({ type: 'failed', message: unsent(item, this.userId) }),
    })
    this.store = new LocalStore({ client: core, outbox: this.outbox, people: this.people, unread: this.#unread, receipts: this.receipts, clock: this.clock })
    core.on('state', state => this.#onState(state))
    core.on('status', status => this.#onStatus(status))
    core.on('authenticated', ({ data }) => this.#onAuthenticated(data.at))
    core.on('closed', (code, reason) => this.#onClosed(code, reason))
    core.on('frame', frame => this.emit('frame', frame))
    if (autoStart) this.start()
  }

  get status (): Status {
    return this.core.status
  }

  get userId (): string | null {
    return this.core.state.userId
  }

  /** The close code by which the server has said that coming back is no use. */
  get stoppedBy (): { code: number, reason: string } | null {
    return this.#stoppedBy
  }

  start (): void {
    this.#stoppedBy = null
    this.core.start()
  }

  /** For good, or until `start`. What waits fails with CLIENT_STOPPED. */
  stop (): void {
    this.core.stop()
    this.http.cut()
  }

  /** Cuts the line, until `online`. What is sent meanwhile waits. */
  offline (): void {
    this.core.offline()
    this.http.cut()
  }

  /** Comes back, or does so now instead of later. */
  online (): void {
    this.core.online()
  }

  /** Resolves when the store is all that the server has said it to be. @throws {ClientError} CLIENT_STOPPED */
  whenSynced (): Promise<void> {
    return this.core.whenSynced()
  }

  /** What happens from now on, in order, until the client stops or the loop is left. */
  events (): AsyncGenerator<ParleyEvent, void> {
    const stream = eventStream<ParleyEvent>(() => this.#queues.delete(stream))
    this.#queues.add(stream)
    return stream.events
  }

  /** Any command, once. @throws {ClientError} also CONNECTION_LOST: it may have been carried out */
  command<Name extends CommandName> (type: Name, data: CommandData<Name>): Promise<CommandResult<Name>> {
    return this.core.command(type, data)
  }

  /** A command that may be carried out twice without harm: until it is answered. @throws {ClientError} the refusal; CLIENT_STOPPED */
  insist<Name extends CommandName> (type: Name, data: CommandData<Name>): Promise<CommandResult<Name>> {
    return this.persist(() => this.core.command(type, data))
  }

  protected async persist<Result> (attempt: () => Promise<Result>): Promise<Result> {
    for (let failures = 0; ; failures++) {
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof ClientError) || !error.retryable) throw error
        await this.#pause(error, failures)
      }
    }
  }

  /** After a line was lost there is nothing to wait for but the next one. */
  #pause (error: ClientError, failures: number): Promise<void> {
    const ms = error.retryAfterMs ?? (this.core.isConnected ? backoff(this.#timers, failures) : 0)
    return new Promise(resolve => { this.core.after(ms, resolve) })
  }

  #onState (state: ClientState): void {
    const before = this.#before
    this.#before = state
    for (const [chatId, chat] of state.chats) if (chat !== before.chats.get(chatId)) this.#changed(chatId)
    if (state.chats.size !== before.chats.size || state.me !== before.me || state.blocks !== before.blocks || state.invitations !== before.invitations) this.#changed()
    this.outbox.settle(({ chatId, seq, revision }) => {
      const chat = state.chats.get(chatId)
      return chat !== undefined && (chat.messages.has(seq) || chat.cursor >= revision)
    })
    this.#ask()
    for (const event of this.#teller.to(state)) this.#tell(event)
  }

  /** What the server is told, or asked, because the store has changed. */
  #ask (): void {
    this.#unread.update(this.core.state)
    if (this.#tellsDelivered) this.receipts.deliver(this.core.state)
  }

  #onStatus (status: Status): void {
    if (status === 'live') this.#ask()
    this.#changed()
    this.#tell({ type: 'status', status })
    if (status === 'stopped') for (const queue of this.#queues) queue.end()
  }

  #onAuthenticated (at: string): void {
    this.clock.set(at)
    for (const chatId of this.opened) {
      if (!this.core.state.chats.get(chatId)?.isStream) this.core.command('join_chat', { chatId }).catch(() => {}) // gone meanwhile
    }
  }

  #onClosed (code: number, reason: string): void {
    if (afterClose(code) === 'stop') this.#stoppedBy = { code, reason }
    this.receipts.forget()
    this.people.disconnected()
    this.invited.expire()
  }

  #onSending (item: Outgoing): void {
    const chatId = item.sent?.chatId ?? ('chatId' in item.target ? item.target.chatId : undefined)
    if (chatId !== undefined) this.#changed(chatId)
  }

  #tell<Event extends ParleyEvent> (event: Event): void {
    this.emit(event.type, event as never)
    for (const queue of this.#queues) queue.push(event)
  }

  #changed (chatId?: string): void {
    this.store.changed(chatId)
    if (chatId === undefined) this.#allDirty = true
    else this.#dirty.add(chatId)
    if (this.#isDirty) return
    this.#isDirty = true
    queueMicrotask(() => {
      const change = { chatIds: new Set(this.#dirty), all: this.#allDirty }
      this.#dirty.clear()
      this.#isDirty = this.#allDirty = false
      this.emit('change', change)
    })
  }
}
