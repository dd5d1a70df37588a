// What people do to each other in a few chats, at random, and the same again from the same seed.
import type { Test } from 'tap'
import type { Parley } from './parley.ts'
import { age } from './jobs.ts'
import { request, RequestError } from './live.ts'

export const USERS = ['ann', 'ben', 'cat', 'dan', 'eve', 'fin']

const CONTENTS = { send: 40, answer: 8, mention: 8, edit: 12, remention: 3, delete: 5, hide: 6, clear: 2, react: 8, unreact: 5, pin: 4, unpin: 3, forward: 4, trim: 1 }
const PEOPLE = { read: 12, delivered: 4, set: 10, leave: 2, remove: 2, add: 14, block: 2, unblock: 6, ban: 3, unban: 8, silence: 2, unsilence: 8, privacy: 3 }
const KINDS = { ...CONTENTS, ...PEOPLE }
export type Kind = keyof typeof KINDS

/** Chats that keep messages for so long forget them, as they come of age. */
const RETENTION_DAYS = 7

const EMOJI = ['👍', '🎉', ':party:']
const SETTINGS = [
  { archived: true }, { archived: true, markedUnread: true }, { archived: false, pinned: true }, { mutedUntil: '2099-01-01T00:00:00.000Z' }, { mutedUntil: null, pinned: false },
  { mutedUntil: null, archived: true },
]

interface Operation {
  kind: Kind
  userId: string
  otherId: string
  /** Which chat; which message of it, from the oldest to the newest. */
  chat: number
  message: number
}

/** mulberry32: 0 ≤ x < 1 */
export function seeded (seed: number): () => number {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** From the environment, to see a failure again; else any. */
export function chooseSeed (t: Test): number {
  const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
  t.comment(`TEST_SEED=${seed}`)
  return seed
}

export class Chaos {
  /** Of each kind, how often it was done and how often refused. */
  readonly done = new Map(Object.keys(KINDS).map(kind => [kind as Kind, 0]))
  readonly refused = new Map(this.done)
  /** Answers that no operation of a well-behaved client may get. */
  readonly faults: string[] = []
  readonly chatIds: string[] = []
  readonly random: () => number
  readonly #parley: Parley
  readonly #lastSeq = new Map<string, number>()
  #count = 0

  constructor (parley: Parley, random: () => number) {
    this.#parley = parley
    this.random = random
  }

  /** Three groups (in one of them new members see everything, one forgets), a STREAM that all have spoken in, and a DIRECT chat. */
  async setup (): Promise<void> {
    for (const [historyForNewMembers, retentionDays] of [['NONE', RETENTION_DAYS], ['ALL', null], ['NONE', null]]) {
      const { chat } = await request<{ chat: { id: string } }>(this.#parley, 'ann', 'POST', '/sessions', {
        type: 'GROUP', name: `${historyForNewMembers}`, participantIds: USERS, settings: { historyForNewMembers, whoMayInvite: 'MEMBER', ...(retentionDays !== null && { retentionDays }) },
      })
      this.chatIds.push(chat.id)
    }
    const { chat: stream } = await request<{ chat: { id: string } }>(this.#parley, 'ann', 'POST', '/sessions', { type: 'STREAM', name: 'Live' })
    for (const userId of USERS) await request(this.#parley, userId, 'POST', `/sessions/${stream.id}/messages`, { content: 'hello' })
    this.chatIds.push(stream.id)
    const { chat } = await request<{ chat: { id: string } }>(this.#parley, 'ann', 'POST', '/sessions', { type: 'DIRECT', targetUserId: 'ben' })
    this.chatIds.push(chat.id)
  }

  pick<Item> (items: Item[]): Item {
    return items[Math.floor(this.random() * items.length)] as Item
  }

  /** So many operations (refused ones do not count), a few at a time, as different people do them. */
  async run (count: number, between: () => Promise<void> | void = () => {}): Promise<void> {
    const target = this.total + count
    await Promise.all(Array.from({ length: 4 }, async () => {
      while (this.total < target && this.faults.length === 0) {
        await between()
        await this.#try(this.#choose())
      }
    }))
  }

  get total (): number {
    return [...this.done.values()].reduce((total, count) => total + count, 0)
  }

  #choose (): Operation {
    let ticket = this.random() * Object.values(KINDS).reduce((sum, weight) => sum + weight)
    const [kind] = Object.entries(KINDS).find(([, weight]) => (ticket -= weight) < 0) as [Kind, number]
    return { kind, userId: this.pick(USERS), otherId: this.pick(USERS), chat: Math.floor(this.random() * this.chatIds.length), message: this.random() }
  }

  async #try (operation: Operation): Promise<void> {
    const { kind } = operation
    try {
      await this.#do(operation)
      this.done.set(kind, (this.done.get(kind) ?? 0) + 1)
    } catch (error) {
      if (!(error instanceof RequestError) || error.status >= 500) this.faults.push(`${JSON.stringify(operation)}: ${error}`)
      this.refused.set(kind, (this.refused.get(kind) ?? 0) + 1)
    }
  }

  async #do (operation: Operation): Promise<void> {
    const { kind, chat, message } = operation
    const chatId = this.chatIds[chat] as string
    const lastSeq = this.#lastSeq.get(chatId) ?? 1
    // Mostly of the newest messages, as people do.
    const seq = Math.max(1, Math.ceil(lastSeq - message ** 3 * lastSeq))
    const messagePath = `/messages/${chatId}.${seq}`
    const { userId, otherId } = await this.#cast(operation, chatId, seq)
    const emoji = EMOJI[seq % EMOJI.length]
    const ask = <Body>(method: string, path: string, body?: object) => request<Body>(this.#parley, userId, method, path, body)
    switch (kind) {
      case 'send': {
        const reply = message < 0.1 ? { replyToId: `${chatId}.${seq}` } : {}
        const sent = await ask<{ message: { seq: number } }>('POST', `/sessions/${chatId}/messages`, { content: `${++this.#count}`, ...reply })
        this.#lastSeq.set(chatId, Math.max(lastSeq, sent.message.seq))
        break
      }
      case 'answer':
      case 'mention': {
        const more = kind === 'answer' ? { threadRootId: `${chatId}.${seq}` } : { mentions: message < 0.3 ? { all: true } : { userIds: [userId, otherId] } }
        const sent = await ask<{ message: { seq: number } }>('POST', `/sessions/${chatId}/messages`, { content: `${++this.#count}`, ...more })
        this.#lastSeq.set(chatId, Math.max(lastSeq, sent.message.seq))
        break
      }
      case 'remention': await ask('PATCH', messagePath, { content: `edited ${++this.#count}`, mentions: message < 0.3 ? {} : { userIds: [otherId] } }); break
      case 'edit': await ask('PATCH', messagePath, { content: `edited ${++this.#count}` }); break
      case 'delete': await ask('DELETE', `${messagePath}?scope=everyone`); break
      case 'hide': await ask('DELETE', `${messagePath}?scope=me`); break
      case 'clear': await ask('POST', `/sessions/${chatId}/clear`); break
      case 'read': await ask('POST', `/sessions/${chatId}/read`, { upToSeq: seq }); break
      case 'delivered': await ask('POST', `/sessions/${chatId}/delivered`, { upToSeq: seq }); break
      case 'leave': await ask('DELETE', `/sessions/${chatId}`); break
      case 'remove': await ask('DELETE', `/sessions/${chatId}/participants/${otherId}`); break
      case 'add': await ask('POST', `/sessions/${chatId}/participants`, { userIds: [otherId] }); break
      case 'block': await ask('PUT', `/blocks/${otherId}`); break
      case 'unblock': await ask('DELETE', `/blocks/${otherId}`); break
      case 'react': await ask('POST', `${messagePath}/reactions`, { emoji }); break
      case 'unreact': await ask('DELETE', `${messagePath}/reactions`, { emoji }); break
      case 'pin': await ask('POST', `${messagePath}/pin`); break
      case 'unpin': await ask('DELETE', `${messagePath}/pin`); break
      case 'set': await ask('PATCH', `/sessions/${chatId}/me`, SETTINGS[Math.floor(message * SETTINGS.length)]); break
      case 'forward': await ask('POST', `${messagePath}/forward`, { chatIds: this.chatIds }); break
      case 'ban':
      case 'unban':
      case 'unsilence': await ask('POST', `/sessions/${chatId}/participants/${otherId}/${kind}`); break
      case 'trim': await this.#trim(Math.ceil(message * 0.9 * (this.#lastSeq.get(this.chatIds[0] as string) ?? 1))); break
      case 'privacy': await ask('PATCH', '/me', { settings: { privateReading: message < 0.5 } }); break
      case 'silence': await ask('POST', `/sessions/${chatId}/participants/${otherId}/silence`, { seconds: 600 }); break
    }
  }

  /** What was sent up to a seq has come of age, in the chat that forgets. */
  async #trim (upToSeq: number): Promise<void> {
    await age(this.#parley, this.chatIds[0] as string, upToSeq, RETENTION_DAYS + 1)
    await this.#parley.app.jobs.run('trim-history')
  }

  /** Who does it to whom, if there is somebody who can (when it comes to it, they may not any more). */
  async #cast ({ kind, userId, otherId, message }: Operation, chatId: string, seq: number): Promise<{ userId: string, otherId: string }> {
    const of = async (sql: string, ...values: unknown[]): Promise<string | undefined> => {
      const { rows } = await this.#parley.app.db.pool.query<{ id: string }>(sql, values)
      return rows[Math.floor(message * rows.length)]?.id
    }
    const member = "SELECT user_id AS id FROM chat.chat_participant WHERE chat_id = $1 AND state = 'JOINED'"
    const former = "SELECT user_id AS id FROM chat.chat_participant WHERE chat_id = $1 AND state <> 'JOINED'"
    const owner = async () => await of(`${member} AND role = 'OWNER'`, chatId)
    switch (kind) {
      case 'unreact': return { otherId, userId: await of('SELECT user_id AS id FROM chat.message_reaction WHERE chat_id = $1 AND seq = $2 ORDER BY 1', chatId, seq) ?? userId }
      // (of everybody only who keeps order may speak to)
      case 'mention': return { otherId, userId: message < 0.3 ? await owner() ?? userId : userId }
      case 'pin':
      case 'unpin': return { otherId, userId: await owner() ?? userId }
      case 'edit':
      case 'remention':
      case 'delete': return { otherId, userId: await of('SELECT sender_id AS id FROM chat.chat_message WHERE chat_id = $1 AND seq = $2', chatId, seq) ?? userId }
      case 'remove':
      case 'ban':
      case 'silence': return { otherId: await of(`${member} AND role <> 'OWNER' ORDER BY 1`, chatId) ?? otherId, userId: await owner() ?? userId }
      case 'unban': return { otherId: await of(`${former} AND state = 'BANNED' ORDER BY 1`, chatId) ?? otherId, userId: await owner() ?? userId }
      case 'unsilence': return { otherId: await of(`${member} AND silenced_until IS NOT NULL ORDER BY 1`, chatId) ?? otherId, userId: await owner() ?? userId }
      // Never the last but one: an empty group stays empty.
      case 'leave': return { otherId, userId: await of(`${member} AND (role <> 'OWNER' OR (SELECT member_count FROM chat.chat_head h WHERE h.chat_id = $1) > 2) ORDER BY 1`, chatId) ?? 'nobody' }
      case 'add': return { otherId: await of(`${former} AND state <> 'BANNED' ORDER BY 1`, chatId) ?? otherId, userId: await owner() ?? userId }
      case 'block': return { userId, otherId }
      case 'unblock': return { userId, otherId: await of('SELECT blocked_user_id AS id FROM chat.user_block WHERE user_id = $1 ORDER BY 1', userId) ?? otherId }
      default: return { otherId, userId: await of(`${member} ORDER BY 1`, chatId) ?? userId }
    }
  }
}
