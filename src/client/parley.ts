import type { ChatView, CommandData, CommandResult, Me, Message, User } from '../contract.ts'
import type { Attachment } from '../media/schemas.ts'
import type { Presence } from '../presence/schemas.ts'
import type { SearchPage } from '../search/schemas.ts'
import type { UploadOptions } from './http.ts'
import type { Target } from './outbox.ts'
import type { Unavailable } from './people.ts'
import { Session, type Invitation, type ParleyOptions, type SendOptions } from './session.ts'
import { byActivity, type ChatSummary, type LocalMessage } from './views.ts'

export { ClientError } from './errors.ts'
export type * from '../contract.ts'
export type { Attachment } from '../media/schemas.ts'
export type { Presence } from '../presence/schemas.ts'
export type { Status } from './client.ts'
export type { EventFrame } from './frames.ts'
export type { Invitation, ParleyEvent, ParleyListeners, ParleyOptions, SendOptions } from './session.ts'
export type { StoreEvent } from './teller.ts'
export type { ChatSummary, LocalMessage } from './views.ts'

/** Others are told no more often that somebody types. */
const TYPING_AGAIN_MS = 2_000

/** See `createClient`. */
export class Parley extends Session {
  readonly #older = new Map<string, Promise<void>>()
  readonly #typed = new Map<string, number>()

  // The store

  get me (): Me | null {
    return this.core.state.me
  }

  get blocks (): ReadonlySet<string> {
    return this.core.state.blocks
  }

  /** Of all chats that are neither muted nor archived. */
  get unread (): { total: number, mentions: number } {
    const counted = this.chats().filter(({ muted }) => !muted)
    return { total: counted.reduce((sum, { unreadCount }) => sum + unreadCount, 0), mentions: counted.reduce((sum, { mentionCount }) => sum + mentionCount, 0) }
  }

  /** Mine, as the server lists them: pinned first, then the newest activity. */
  chats ({ archived = false } = {}): ChatSummary[] {
    return this.store.listed(archived)
  }

  /** Of people who wait for my answer. */
  requests (): ChatSummary[] {
    return this.store.all().filter(({ request }) => request === 'received').sort(byActivity)
  }

  invitations (): Invitation[] {
    return [...this.core.state.invitations].map(([chatId, membership]) => ({ chatId, membership, chat: this.invited.get(chatId) ?? null }))
  }

  chat (chatId: string): ChatSummary | undefined {
    return this.store.chat(chatId)
  }

  /** All that is loaded of a chat, oldest first, and at the end what is being sent. */
  messages (chatId: string): readonly LocalMessage[] {
    return this.store.messages(chatId)
  }

  /** Also of one that is quoted and is not loaded. undefined: it is being fetched, and a `change` follows. */
  message (messageId: string): LocalMessage | Unavailable | undefined {
    return this.store.message(messageId)
  }

  /** What is known of somebody. If that is nothing, it is being fetched, and a `change` follows. */
  user (userId: string): User {
    return this.people.users.get(userId) ?? { id: userId, displayName: null, avatarUrl: null }
  }

  /** Of people with whom one shares a chat. undefined: not known, or being fetched. */
  presence (userId: string): Presence | undefined {
    return this.people.presences.get(userId)
  }

  // Messages

  /**
   * Shows it at once, and sends it as soon as that is possible: once, whatever happens to the connection meanwhile, and in order.
   * @returns when the server has it. Fails with a ClientError when it is refused; the message stays, as `failed`
   */
  send (to: string | { userId: string }, { files = [], voice = false, clientMessageId = crypto.randomUUID(), ...message }: SendOptions): Promise<Message> {
    const target = this.#target(to)
    if ('chatId' in target) this.#typed.delete(target.chatId)
    const uploads = files.map(file => ({ fileName: file.name ?? 'file', size: file.size, loaded: 0, file }))
    return this.outbox.add({ target, message: { ...message, clientMessageId }, uploads, voice, at: this.clock.now(), status: 'pending' })
  }

  /** Sends again what has failed. */
  retry ({ clientMessageId }: Pick<LocalMessage, 'clientMessageId'>): Promise<Message> | undefined {
    return this.outbox.retry(clientMessageId ?? '')
  }

  /** Gives up what has failed or waits. @returns whether it could be: what is on its way cannot */
  discard ({ clientMessageId }: Pick<LocalMessage, 'clientMessageId'>): boolean {
    return this.outbox.discard(clientMessageId ?? '')
  }

  edit (messageId: string, content: string, mentions?: CommandData<'edit_message'>['mentions']): Promise<CommandResult<'edit_message'>> {
    return this.insist('edit_message', { messageId, content, ...(mentions && { mentions }) })
  }

  delete (messageId: string, scope: 'everyone' | 'me' = 'everyone'): Promise<CommandResult<'delete_message'>> {
    return this.insist('delete_message', { messageId, scope })
  }

  react (messageId: string, emoji: string): Promise<CommandResult<'add_reaction'>> {
    return this.insist('add_reaction', { messageId, emoji })
  }

  unreact (messageId: string, emoji: string): Promise<CommandResult<'remove_reaction'>> {
    return this.insist('remove_reaction', { messageId, emoji })
  }

  pin (messageId: string): Promise<CommandResult<'pin_message'>> {
    return this.insist('pin_message', { messageId })
  }

  unpin (messageId: string): Promise<CommandResult<'unpin_message'>> {
    return this.insist('unpin_message', { messageId })
  }

  pins (chatId: string): Promise<CommandResult<'get_pins'>> {
    return this.insist('get_pins', { chatId })
  }

  report (messageId: string, reason: string): Promise<CommandResult<'report_message'>> {
    return this.insist('report_message', { messageId, reason })
  }

  /** Up to a message, by its seq; else everything. What is unread is counted so at once. */
  async markRead (chatId: string, upToSeq = this.core.state.chats.get(chatId)?.head.lastSeq ?? 0): Promise<void> {
    const chat = this.core.state.chats.get(chatId)
    if (chat && (upToSeq > this.receipts.readSeq(chat) || chat.membership?.markedUnread)) await this.receipts.read(chatId, upToSeq)
  }

  /** To be called at every key. Others are told now and then, and by themselves that it has ended. */
  typing (chatId: string, isTyping = true): void {
    const last = this.#typed.get(chatId) ?? -Infinity
    if (this.status !== 'live' || (isTyping ? performance.now() - last < TYPING_AGAIN_MS : last === -Infinity)) return
    if (isTyping) this.#typed.set(chatId, performance.now())
    else this.#typed.delete(chatId)
    this.core.command(isTyping ? 'typing_start' : 'typing_stop', { chatId }).catch(() => {}) // what is late is worth nothing
  }

  /** The user looks at a chat, from now on and after every reconnect, until `close`. A STREAM is followed so. */
  async open (chatId: string): Promise<void> {
    this.opened.add(chatId)
    await this.insist('join_chat', { chatId })
  }

  close (chatId: string): void {
    this.opened.delete(chatId)
    this.people.looking(chatId, null)
    if (this.status === 'live' || this.status === 'syncing') this.core.command('leave_chat', { chatId }).catch(() => {}) // it ends with the connection
  }

  /** One more page of a chat's history. @returns whether there is more */
  async loadOlder (chatId: string, limit = 50): Promise<boolean> {
    const page = this.#older.get(chatId) ?? this.persist(() => this.core.loadOlder(chatId, limit)).finally(() => this.#older.delete(chatId))
    this.#older.set(chatId, page)
    await page
    return this.core.state.chats.get(chatId)?.hasOlder ?? false
  }

  /** Pages, until a message is there. @returns whether it is */
  async loadUntil (chatId: string, seq: number): Promise<boolean> {
    const has = () => (this.core.state.chats.get(chatId)?.fromSeq ?? Infinity) <= seq
    while (!has() && await this.loadOlder(chatId, 100));
    return has() && this.core.state.chats.get(chatId)?.messages.has(seq) === true
  }

  /** Words or parts of words, in one chat or in all. */
  search (q: string, more: Omit<CommandData<'search'>, 'q'> = {}): Promise<SearchPage> {
    return this.insist('search', { ...more, q })
  }

  // Chats and people

  /** The one that there is with somebody, or a new one. */
  createDirect (targetUserId: string): Promise<ChatView> {
    return this.insist('create_chat', { type: 'DIRECT', targetUserId })
  }

  createGroup (name: string, participantIds: string[], more: Omit<Extract<CommandData<'create_chat'>, { type: 'GROUP' }>, 'type' | 'name' | 'participantIds'> = {}): Promise<ChatView> {
    return this.insist('create_chat', { clientChatId: crypto.randomUUID(), ...more, type: 'GROUP', name, participantIds })
  }

  /** A request or an invitation. */
  accept (chatId: string): Promise<ChatView> {
    return this.insist('accept_chat', { chatId })
  }

  reject (chatId: string): Promise<CommandResult<'reject_chat'>> {
    return this.command('reject_chat', { chatId })
  }

  leave (chatId: string): Promise<CommandResult<'leave_membership'>> {
    return this.command('leave_membership', { chatId })
  }

  /** Takes its history out of my sight. */
  clear (chatId: string): Promise<CommandResult<'clear_chat'>> {
    return this.insist('clear_chat', { chatId })
  }

  deleteChat (chatId: string, scope: 'me' | 'everyone' = 'me'): Promise<CommandResult<'delete_chat'>> {
    return this.command('delete_chat', { chatId, scope })
  }

  addParticipants (chatId: string, userIds: string[], more: { role?: CommandData<'add_participants'>['role'] & string, label?: string } = {}): Promise<CommandResult<'add_participants'>> {
    return this.insist('add_participants', { ...more, chatId, userIds })
  }

  removeParticipant (chatId: string, userId: string): Promise<CommandResult<'remove_participant'>> {
    return this.command('remove_participant', { chatId, userId })
  }

  /** My own settings of a chat. */
  setMembership (chatId: string, settings: Omit<CommandData<'update_membership'>, 'chatId'>): Promise<CommandResult<'update_membership'>> {
    return this.insist('update_membership', { ...settings, chatId })
  }

  block (userId: string): Promise<CommandResult<'block_user'>> {
    return this.insist('block_user', { userId })
  }

  unblock (userId: string): Promise<CommandResult<'unblock_user'>> {
    return this.insist('unblock_user', { userId })
  }

  /** What I say of myself, on all my devices. A text that is not given stays. */
  setPresence (status: CommandData<'presence_update'>['status'], statusText?: string | null): Promise<Presence> {
    return this.insist('presence_update', { status, ...(statusText !== undefined && { statusText }) })
  }

  // Files, and the rest

  /** A REST call below /api/v1/chat. @throws {ClientError} */
  request<Body = unknown> (method: string, path: string, body?: object): Promise<Body> {
    return this.http.request(method, path, body)
  }

  /** Sends one file to a chat, for a message to come: its id goes into `attachmentIds`. @throws {ClientError} */
  upload (chatId: string, file: Blob & { name?: string }, options: UploadOptions & { voice?: boolean } = {}): Promise<Attachment> {
    return this.media.upload(chatId, file, options)
  }

  /** A URL that needs no token, for half a minute at least. null: there is none. @throws {ClientError} */
  mediaUrl (attachment: { id: string }, which: 'file' | 'thumbnail' = 'file'): Promise<string | null> {
    return this.media.url(attachment, which)
  }

  /** The chat that there is with somebody, if it is here. */
  #target (to: string | { userId: string }): Target {
    if (typeof to === 'string') return { chatId: to }
    const chat = this.store.all().find(({ type, participants }) => type === 'DIRECT' && participants.has(to.userId))
    return chat ? { chatId: chat.id } : { targetUserId: to.userId }
  }
}

/**
 * ```ts
 * const chat = createClient({ url: 'https://chat.example.com', token: () => fetchToken() })
 * chat.on('change', () => render(chat.chats()))
 * await chat.send({ userId: 'bob' }, { content: 'Hello' })
 * for await (const event of chat.events()) console.log(event)
 * ```
 */
export function createClient (options: ParleyOptions): Parley {
  return new Parley(options)
}
