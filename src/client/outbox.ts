import type { Attachment } from '../media/schemas.ts'
import type { Message } from '../contract.ts'
import type { NewMessage } from '../messages/schemas.ts'
import { ClientError } from './errors.ts'
import type { UploadOptions } from './http.ts'

/** A chat, or somebody with whom there is perhaps none yet. */
export type Target = { chatId: string } | { targetUserId: string }
export interface Upload { readonly fileName: string, readonly size: number, readonly loaded: number, readonly file: Blob }

/** A message that the server has not acknowledged. A change makes a new one. */
export interface Outgoing {
  readonly target: Target
  readonly message: NewMessage & { clientMessageId: string }
  readonly uploads: readonly Upload[]
  readonly voice: boolean
  readonly at: number
  readonly status: 'pending' | 'failed'
  readonly error?: ClientError
  /** What the server has made of it, for as long as the store does not have it. */
  readonly sent?: Message
}

interface Entry {
  item: Outgoing
  /** Of the files that are there. */
  attachmentIds: string[]
  abort: AbortController
  isUnderWay: boolean
  promise: Promise<Message>
  resolve: (message: Message) => void
  reject: (error: ClientError) => void
}

export interface OutboxOptions {
  /** Until the server has answered, whatever happens meanwhile. @throws {ClientError} its refusal */
  send: (target: Target, message: NewMessage) => Promise<Message>
  upload: (chatId: string, file: Blob, options: UploadOptions & { voice: boolean }) => Promise<Attachment>
  changed: (item: Outgoing) => void
  failed: (item: Outgoing) => void
}

const laneOf = (target: Target): string => 'chatId' in target ? target.chatId : `to ${target.targetUserId}`

/**
 * Messages on their way, in the order in which they were given: of each chat the first alone is being sent, so that an answer
 * that does not come never lets a later one overtake. One that is refused steps aside.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #entries = new Map<string, Entry>()
  readonly #busy = new Set<string>()

  constructor (options: OutboxOptions) {
    this.#options = options
  }

  /** Those of a chat, oldest first. */
  of (chatId: string): Outgoing[] {
    return [...this.#entries.values()].map(({ item }) => item).filter(({ target, sent }) => (sent?.chatId ?? laneOf(target)) === chatId)
  }

  add (item: Outgoing): Promise<Message> {
    const entry = { item, attachmentIds: [...item.message.attachmentIds ?? []], isUnderWay: false } as unknown as Entry
    this.#entries.set(item.message.clientMessageId, entry)
    return this.#start(entry)
  }

  /** Sends again what has failed, with the same key. */
  retry (clientMessageId: string): Promise<Message> | undefined {
    const entry = this.#entries.get(clientMessageId)
    if (entry?.item.status !== 'failed') return entry?.promise
    const { error, ...item } = entry.item
    entry.item = { ...item, status: 'pending' }
    return this.#start(entry)
  }

  /** Gives a message up. @returns false: it is on its way already */
  discard (clientMessageId: string): boolean {
    const entry = this.#entries.get(clientMessageId)
    if (!entry || entry.isUnderWay) return false
    entry.abort.abort()
    this.#remove(entry)
    entry.reject(new ClientError('DISCARDED', 'The message was given up'))
    return true
  }

  /** Forgets what the store has. */
  settle (isKnown: (message: Message) => boolean): void {
    for (const entry of this.#entries.values()) if (entry.item.sent && isKnown(entry.item.sent)) this.#remove(entry)
  }

  #start (entry: Entry): Promise<Message> {
    entry.abort = new AbortController()
    entry.promise = new Promise<Message>((resolve, reject) => Object.assign(entry, { resolve, reject }))
    entry.promise.catch(() => {}) // told by its status, too: nobody has to wait for it
    this.#options.changed(entry.item)
    void this.#drain(laneOf(entry.item.target))
    return entry.promise
  }

  async #drain (lane: string): Promise<void> {
    if (this.#busy.has(lane)) return
    this.#busy.add(lane)
    for (let entry = this.#next(lane); entry; entry = this.#next(lane)) await this.#deliver(entry)
    this.#busy.delete(lane)
  }

  #next (lane: string): Entry | undefined {
    return [...this.#entries.values()].find(({ item }) => item.status === 'pending' && !item.sent && laneOf(item.target) === lane)
  }

  async #deliver (entry: Entry): Promise<void> {
    const { target, message } = entry.item
    try {
      await this.#upload(entry)
      entry.abort.signal.throwIfAborted()
      entry.isUnderWay = true
      const { attachmentIds } = entry
      const sent = await this.#options.send(target, { ...message, ...(attachmentIds.length > 0 && { attachmentIds }) })
      this.#change(entry, { sent })
      entry.resolve(sent)
    } catch (error) {
      if (entry.abort.signal.aborted) return
      const reason = error instanceof ClientError ? error : new ClientError('UNEXPECTED', String(error))
      this.#change(entry, { status: 'failed', error: reason })
      this.#options.failed(entry.item)
      entry.reject(reason)
    } finally {
      entry.isUnderWay = false
    }
  }

  async #upload (entry: Entry): Promise<void> {
    const { target, uploads, voice, message } = entry.item
    const before = message.attachmentIds?.length ?? 0
    for (let at = entry.attachmentIds.length - before; at < uploads.length; at++) {
      if (!('chatId' in target)) throw new ClientError('VALIDATION_FAILED', 'Files want a chat that is there')
      const onProgress = (loaded: number) => this.#change(entry, { uploads: entry.item.uploads.with(at, { ...uploads[at] as Upload, loaded }) })
      const { id } = await this.#options.upload(target.chatId, (uploads[at] as Upload).file, { voice, onProgress, signal: entry.abort.signal })
      entry.attachmentIds.push(id)
    }
  }

  #change (entry: Entry, change: Partial<Outgoing>): void {
    entry.item = { ...entry.item, ...change }
    this.#options.changed(entry.item)
  }

  #remove (entry: Entry): void {
    this.#entries.delete(entry.item.message.clientMessageId)
    this.#options.changed(entry.item)
  }
}
