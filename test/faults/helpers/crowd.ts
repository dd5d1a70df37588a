// Thirty people who send, edit, react, delete, come and go, over connections that break, and never give up.
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Client } from '../../../src/client/client.ts'
import { systemClock } from '../../../src/client/clock.ts'
import { ClientError } from '../../../src/client/errors.ts'
import type { ChatState } from '../../../src/client/state.ts'
import type { Message } from '../../../src/contract.ts'
import { newClient } from '../../helpers/live.ts'
import { seeded } from '../../helpers/random-operations.ts'
import { History, type Acknowledged } from './history.ts'
import type { ServerProcess } from './server-process.ts'
import { watchedSocket, watchState } from './witness.ts'

const KINDS = { send: 50, edit: 15, react: 14, unreact: 5, delete: 6, read: 10, add: 12, remove: 15, leave: 3 }
type Kind = keyof typeof KINDS

const EMOJI = ['👍', '🎉', ':party:']
const GROUPS = 6
const MEMBERS = 14
/** Nobody leaves so few alone. */
const FEW = 4
/** Between what one person does and what they do next, at most. */
const PACE_MS = 300
/** So that those who were cut off are back at once, and not in a second. */
const HASTE = 0.05
const RETRY_MS = 50
const CHECK_MS = 500

/** One person, with one client. What they do depends on the seed and on what they see. */
class Person {
  readonly userId: string
  readonly client: Client
  readonly cut: () => void
  readonly #history: History
  readonly #random: () => number
  #sent = 0

  constructor (t: Pick<Test, 'teardown'>, server: ServerProcess, { userId, history, random }: { userId: string, history: History, random: () => number }) {
    this.userId = userId
    this.#history = history
    this.#random = random
    const { WebSocket, cut } = watchedSocket(userId, history.violations)
    this.cut = cut
    this.client = newClient(t, server, userId, { WebSocket, clock: { after: systemClock.after, random: () => Math.random() * HASTE } })
    watchState(userId, this.client, history.violations)
    this.client.start()
  }

  /** One thing after the other, until told to stop. */
  async live (until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      await this.#act(this.#choose())
      await pause(this.#random() * PACE_MS)
    }
  }

  pick<Item> (items: Item[]): Item | undefined {
    return items[Math.floor(this.#random() * items.length)]
  }

  #choose (): Kind {
    let ticket = this.#random() * Object.values(KINDS).reduce((sum, weight) => sum + weight)
    return (Object.entries(KINDS).find(([, weight]) => (ticket -= weight) < 0)?.[0] ?? 'send') as Kind
  }

  async #act (kind: Kind): Promise<void> {
    const chat = this.pick([...this.client.state.chats.values()].filter(({ loaded }) => loaded))
    if (!chat) return
    if (kind === 'send') return this.#send(chat)
    if (kind === 'edit' || kind === 'delete' || kind === 'react' || kind === 'unreact') return this.#change(kind, chat)
    await this.#meet(kind, chat)
  }

  async #send ({ chatId }: ChatState): Promise<void> {
    const clientMessageId = `${this.userId} ${++this.#sent}`
    const data = { chatId, content: `said by ${clientMessageId}`, clientMessageId }
    await this.#insist('send', async () => (await this.client.command('send_message', data)).message, { clientMessageId })
  }

  async #change (kind: 'edit' | 'delete' | 'react' | 'unreact', chat: ChatState): Promise<void> {
    const isMine = ({ senderId }: Message) => senderId === this.userId
    const candidates = [...chat.messages.values()].filter(message => message.type === 'TEXT' && !message.deletedAt && (kind === 'react' || kind === 'unreact' || isMine(message)))
    const messageId = this.pick(candidates)?.id
    if (messageId === undefined) return
    const emoji = this.pick(EMOJI) as string
    const content = `edited by ${this.userId} ${++this.#sent}`
    const attempts = {
      edit: () => this.client.command('edit_message', { messageId, content }),
      delete: () => this.client.command('delete_message', { messageId, scope: 'everyone' }),
      react: () => this.client.command('add_reaction', { messageId, emoji }),
      unreact: () => this.client.command('remove_reaction', { messageId, emoji }),
    }
    await this.#insist(kind, async () => (await attempts[kind]()).message, { messageId })
  }

  async #meet (kind: 'read' | 'add' | 'remove' | 'leave', chat: ChatState): Promise<void> {
    const { chatId } = chat
    const role = chat.participants.get(this.userId)?.role
    const others = [...chat.participants.keys()].filter(userId => userId !== this.userId)
    if (kind === 'read') return this.#try(kind, () => this.client.command('mark_as_read', { chatId }))
    if (kind === 'leave') return role === 'MEMBER' && others.length > FEW ? this.#try(kind, () => this.client.command('leave_membership', { chatId })) : undefined
    if (chat.chat?.type !== 'GROUP') return undefined
    const newcomer = userIdOf(Math.floor(this.#random() * PEOPLE))
    const leaver = role === 'OWNER' && others.length > FEW ? this.pick(others) : undefined
    if (kind === 'add') return this.#try(kind, () => this.client.command('add_participants', { chatId, userIds: [newcomer] }))
    if (leaver !== undefined) return this.#try(kind, () => this.client.command('remove_participant', { chatId, userId: leaver }))
  }

  /** A change of a message, asked for until it is answered. */
  async #insist (kind: Acknowledged['kind'], attempt: () => Promise<Message>, { clientMessageId, messageId }: { clientMessageId?: string, messageId?: string }): Promise<void> {
    const { answer, isUncertain } = await this.#ask(kind, attempt)
    if (answer) this.#history.acknowledged.push({ kind, userId: this.userId, message: answer, ...(clientMessageId !== undefined && { clientMessageId }) })
    else if (isUncertain && messageId !== undefined) this.#history.uncertain.add(messageId)
  }

  async #try (kind: Kind, attempt: () => Promise<unknown>): Promise<void> {
    await this.#ask(kind, attempt)
  }

  async #ask<Answer> (kind: Kind, attempt: () => Promise<Answer>): Promise<{ answer?: Answer, isUncertain: boolean }> {
    for (let isUncertain = false; ;) {
      try {
        const answer = await attempt()
        this.#history.count(kind, 'done')
        this.#history.answered(this.userId)
        return { answer, isUncertain }
      } catch (error) {
        if (!(error instanceof ClientError)) throw error
        if (!error.retryable) {
          if (!REFUSALS.has(error.code)) this.#history.violations.push(`${this.userId}: ${kind} was refused with ${error.code}: ${error.message}`)
          this.#history.count(kind, 'refused')
          this.#history.answered(this.userId)
          return { isUncertain }
        }
        isUncertain = true
        this.#history.count(kind, 'repeated')
        await pause(RETRY_MS * this.#random())
      }
    }
  }
}

/** What a well-behaved client can meet, when somebody was quicker. */
const REFUSALS = new Set(['CHAT_NOT_FOUND', 'MESSAGE_NOT_FOUND', 'USER_NOT_FOUND', 'MESSAGE_DELETED', 'REACTION_LIMIT', 'NOT_IN_CHAT', 'CLIENT_STOPPED'])

const PEOPLE = 30
const userIdOf = (number: number) => `user${number}`

export class Crowd {
  readonly people: Person[]
  readonly history = new History()
  #stop = new AbortController()
  #lives: Promise<void>[] = []

  private constructor (people: (history: History) => Person[]) {
    this.people = people(this.history)
  }

  /** Connected, in a few groups and a DIRECT chat or two. */
  static async gather (t: Pick<Test, 'teardown'>, server: ServerProcess, seed: number): Promise<Crowd> {
    const crowd = new Crowd(history => Array.from({ length: PEOPLE }, (_, number) => new Person(t, server, { userId: userIdOf(number), history, random: seeded(seed * 1000 + number) })))
    await Promise.all(crowd.people.map(({ client }) => client.whenSynced()))
    const random = seeded(seed)
    for (let group = 0; group < GROUPS; group++) {
      const participantIds = Array.from({ length: MEMBERS }, () => userIdOf(Math.floor(random() * PEOPLE)))
      await crowd.people[group]?.client.command('create_chat', { type: 'GROUP', name: `Group ${group}`, participantIds, settings: { whoMayInvite: 'MEMBER' } })
    }
    for (let pair = 0; pair < PEOPLE; pair += 2) await crowd.people[pair]?.client.command('create_chat', { type: 'DIRECT', targetUserId: userIdOf(pair + 1) })
    return crowd
  }

  /** Everybody goes about their business. */
  start (): void {
    this.#stop = new AbortController()
    this.#lives = this.people.map(person => person.live(this.#stop.signal))
  }

  /** Everybody finishes what they are at, until it is answered. */
  async rest (): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#lives)
  }

  /** Everybody has had an answer once more. @throws what `check` throws, which is asked now and then */
  async getOn (check: () => Promise<void>): Promise<void> {
    const answered = this.history.next(this.people.map(({ userId }) => userId)).then(() => true)
    while (!await Promise.race([answered, pause(CHECK_MS, false)])) await check()
  }

  async whenSynced (): Promise<void> {
    await Promise.all(this.people.map(({ client }) => client.whenSynced()))
  }
}
