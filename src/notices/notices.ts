import type { FastifyBaseLogger } from 'fastify'
import type { Hub } from '../realtime/hub.ts'
import type { Addressee, News, Notice } from './queries.ts'

export interface NoticesOptions {
  hub: Hub
  log: FastifyBaseLogger
  read: (addressees: Addressee[]) => Promise<Notice[]>
  /** A chat has its say once in this time. */
  everyMs?: number
  /** How many people are asked for at once. */
  batch?: number
}

/** In larger chats nobody is told: `chat.small_chat_members()`. */
const MAX_MEMBERS = 256
const EVERY_MS = 1_000
const BATCH = 500
/** After a query that failed. */
const RETRY_MS = 1_000

/**
 * Tells members who are connected here, and do not look at the chat, of what is new in it: `unread_message`.
 *
 * - The first message after a quiet second is told at once; what comes within the second after it, at its end: the last of it.
 * - One query is under way at most, for many chats and people at once, and it takes no more than half of the time: when the
 *   database is slow or many chats are busy, notices come later and say more, and there are never more queries.
 */
export class Notices {
  readonly #options: Required<NoticesOptions>
  /** What is to be told by the next query. */
  readonly #due = new Map<string, News>()
  /** Chats that had their say within the last second, and what has come since. */
  readonly #resting = new Map<string, { timer: NodeJS.Timeout, news: News | undefined }>()
  #working: Promise<void> | undefined
  #isClosed = false
  #wake: () => void = () => {}

  constructor (options: NoticesOptions) {
    this.#options = { everyMs: EVERY_MS, batch: BATCH, ...options }
    const { hub } = options
    hub.on('delivered', ({ chatId, type, message }, memberCount) => {
      if (type === 'message_received' && message && memberCount <= MAX_MEMBERS) this.#note(chatId, { fromSeq: message.seq, sinceRevision: null })
    })
    hub.on('repaired', (chatId, sinceRevision, memberCount) => {
      if (memberCount <= MAX_MEMBERS) this.#note(chatId, { fromSeq: null, sinceRevision })
    })
  }

  async close (): Promise<void> {
    this.#isClosed = true
    this.#wake()
    for (const { timer } of this.#resting.values()) clearTimeout(timer)
    this.#resting.clear()
    await this.#working
  }

  #note (chatId: string, news: News): void {
    if (this.#isClosed) return
    const resting = this.#resting.get(chatId)
    if (resting) {
      resting.news = together(resting.news, news)
      return
    }
    this.#due.set(chatId, together(this.#due.get(chatId), news))
    this.#start()
  }

  #start (): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
      if (this.#due.size > 0 && !this.#isClosed) this.#start() // come while it was ending
    })
  }

  async #work (): Promise<void> {
    while (this.#due.size > 0 && !this.#isClosed) {
      const startedAt = Date.now()
      let pauseMs = 0
      const addressees = this.#take()
      if (addressees.length === 0) continue
      try {
        for (const { chatId, userId, data } of await this.#options.read(addressees)) this.#options.hub.tellHere({ kind: 'fleeting', type: 'unread_message', chatId, userIds: [userId], data })
        pauseMs = Date.now() - startedAt
      } catch (err) {
        this.#options.log.warn({ err }, 'notices could not be made')
        pauseMs = RETRY_MS
        for (const { chatId, fromSeq, sinceRevision } of addressees) this.#note(chatId, { fromSeq, sinceRevision })
      }
      await this.#pause(pauseMs)
    }
  }

  /** The chats that have waited longest, and whom they concern. */
  #take (): Addressee[] {
    const addressees: Addressee[] = []
    for (const [chatId, news] of this.#due) {
      if (addressees.length >= this.#options.batch) break
      this.#due.delete(chatId)
      const userIds = this.#options.hub.roster.absentFollowersOf(chatId)
      if (userIds.length === 0) continue
      addressees.push(...userIds.map(userId => ({ chatId, userId, ...news })))
      this.#rest(chatId)
    }
    return addressees
  }

  #rest (chatId: string): void {
    const timer = setTimeout(() => {
      const news = this.#resting.get(chatId)?.news
      this.#resting.delete(chatId)
      if (news) this.#note(chatId, news)
    }, this.#options.everyMs).unref()
    this.#resting.set(chatId, { timer, news: undefined })
  }

  #pause (ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, this.#isClosed ? 0 : ms)
      this.#wake = () => { clearTimeout(timer); resolve() }
    })
  }
}

function together (one: News | undefined, other: News): News {
  return { fromSeq: lower(one?.fromSeq, other.fromSeq), sinceRevision: lower(one?.sinceRevision, other.sinceRevision) }
}

function lower (one: number | null | undefined, other: number | null): number | null {
  if (one == null || other === null) return one ?? other
  return Math.min(one, other)
}
