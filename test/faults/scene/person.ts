// One person with one client, who does one thing after the other. What they do depends on the seed and on what they see.
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Client } from '../../../src/client/client.ts'
import { systemClock } from '../../../src/client/clock.ts'
import { ClientError } from '../../../src/client/errors.ts'
import type { ChatState } from '../../../src/client/state.ts'
import type { Message } from '../../../src/contract.ts'
import { newClient } from '../../helpers/live.ts'
import { token } from '../../helpers/parley.ts'
import type { Operation, OperationKind } from '../check/evidence.ts'
import type { Address, Line, Recorder } from './recorder.ts'

const KINDS = { send: 45, edit: 12, react: 12, unreact: 5, delete: 5, hide: 4, read: 10, type: 6, add: 9, remove: 5, leave: 3 }
type Kind = keyof typeof KINDS

const EMOJI = ['👍', '🎉', ':party:']
/** Nobody leaves so few alone. */
const FEW = 4
/** So that those who were cut off are back soon. */
const HASTE = 0.1
const RETRY_MS = 100
/** Who has lost an answer asks again, mostly: else it stays unknown what has come of it. */
const PERSISTENCE = 0.8
/** What a well-behaved client can meet, when somebody was quicker. */
const REFUSALS = new Set(['CHAT_NOT_FOUND', 'MESSAGE_NOT_FOUND', 'USER_NOT_FOUND', 'MESSAGE_DELETED', 'REACTION_LIMIT', 'NOT_IN_CHAT', 'CLIENT_STOPPED'])

export interface PersonOptions { userId: string, recorder: Recorder, random: () => number, paceMs: number, choose: () => Address, anybody: () => string }

type Change = 'edit' | 'delete' | 'react' | 'unreact' | 'hide'
interface Wish { kind: OperationKind, chatId: string, key?: string, messageId?: string, ask: () => Promise<Pick<Operation, 'message' | 'readSeq'> | undefined> }

export class Person {
  readonly userId: string
  readonly client: Client
  readonly line: Line
  readonly #options: PersonOptions
  #count = 0

  constructor (t: Pick<Test, 'teardown'>, options: PersonOptions) {
    const { userId, recorder, choose, random } = options
    this.userId = userId
    this.#options = options
    this.line = recorder.lineOf(userId, choose)
    const clock = { after: systemClock.after, random: () => random() * HASTE }
    this.client = newClient(t, { wsUrl: 'ws://the.balancer', token }, userId, { WebSocket: this.line.WebSocket, clock })
    recorder.watch(userId, this.client)
    this.client.start()
  }

  /** One thing after the other, until told to stop. */
  async live (until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      await this.#act(this.#choose())
      await pause(this.#options.random() * this.#options.paceMs)
    }
  }

  #pick<Item> (items: Item[]): Item | undefined {
    return items[Math.floor(this.#options.random() * items.length)]
  }

  #choose (): Kind {
    let ticket = this.#options.random() * Object.values(KINDS).reduce((sum, weight) => sum + weight)
    return (Object.entries(KINDS).find(([, weight]) => (ticket -= weight) < 0)?.[0] ?? 'send') as Kind
  }

  async #act (kind: Kind): Promise<void> {
    const chat = this.#pick([...this.client.state.chats.values()].filter(({ loaded }) => loaded))
    if (!chat) return
    const { chatId } = chat
    switch (kind) {
      case 'send': return this.send(chatId)
      case 'edit': case 'delete': case 'react': case 'unreact': case 'hide': return this.#change(kind, chat)
      case 'read': return this.#wish({ kind, chatId, ask: () => this.client.command('mark_as_read', { chatId }) })
      case 'type': return this.#type(chatId)
      default: return this.#meet(kind, chat)
    }
  }

  /** Of what is not kept, no more is wanted than that it is answered. */
  async #type (chatId: string): Promise<void> {
    await this.client.command('typing_start', { chatId }).catch((error: unknown) => { if (!(error instanceof ClientError)) throw error })
    this.#options.recorder.answered(this.userId)
  }

  async send (chatId: string): Promise<void> {
    const key = `${this.userId} ${++this.#count}`
    const data = { chatId, content: `said by ${key}`, clientMessageId: key }
    await this.#wish({ kind: 'send', chatId, key, ask: () => this.client.command('send_message', data) })
  }

  async #change (kind: Change, chat: ChatState): Promise<void> {
    const isMine = ({ senderId }: Message) => senderId === this.userId
    const candidates = [...chat.messages.values()].filter(message => message.type === 'TEXT' && !message.deletedAt && (isMine(message) || (kind !== 'edit' && kind !== 'delete')))
    const messageId = this.#pick(candidates)?.id
    if (messageId === undefined) return this.send(chat.chatId)
    const emoji = this.#pick(EMOJI) as string
    const content = `edited by ${this.userId} ${++this.#count}`
    const attempts = {
      edit: () => this.client.command('edit_message', { messageId, content }),
      delete: () => this.client.command('delete_message', { messageId, scope: 'everyone' }),
      hide: async () => { await this.client.command('delete_message', { messageId, scope: 'me' }); return undefined },
      react: () => this.client.command('add_reaction', { messageId, emoji }),
      unreact: () => this.client.command('remove_reaction', { messageId, emoji }),
    }
    await this.#wish({ kind, chatId: chat.chatId, messageId, ask: attempts[kind] })
  }

  async #meet (kind: 'add' | 'remove' | 'leave', chat: ChatState): Promise<void> {
    const { chatId } = chat
    const role = chat.participants.get(this.userId)?.role
    const others = [...chat.participants.keys()].filter(userId => userId !== this.userId)
    if (chat.chat?.type !== 'GROUP' || chat.chat.labels.fixed) return this.send(chatId)
    const leaver = role === 'OWNER' && others.length > FEW ? this.#pick(others) : undefined
    const does = (what: () => Promise<unknown>) => this.#wish({ kind, chatId, ask: async () => { await what(); return undefined } })
    if (kind === 'add') return does(() => this.client.command('add_participants', { chatId, userIds: [this.#options.anybody()] }))
    if (kind === 'leave' && role === 'MEMBER' && others.length > FEW) return does(() => this.client.command('leave_membership', { chatId }))
    if (kind === 'remove' && leaver !== undefined) return does(() => this.client.command('remove_participant', { chatId, userId: leaver }))
    return this.send(chatId)
  }

  /** Asked for until it is answered, or given up. */
  async #wish ({ ask, ...wish }: Wish): Promise<void> {
    const { recorder, random } = this.#options
    const end = (outcome: Operation['outcome'], lostAttempts: number, rest: Partial<Operation> = {}) => {
      recorder.operations.push({ ...wish, userId: this.userId, outcome, lostAttempts, ...rest })
      recorder.answered(this.userId)
    }
    for (let lostAttempts = 0; ;) {
      try {
        return end('ok', lostAttempts, { ...await ask() })
      } catch (error) {
        if (!(error instanceof ClientError)) throw error
        const { code } = error
        if (!error.retryable) {
          if (!REFUSALS.has(code)) recorder.surprises.push(`${wish.kind} by ${this.userId} was refused with ${code}: ${error.message}`)
          return end(lostAttempts > 0 ? 'unknown' : 'fail', lostAttempts, { code })
        }
        if (code !== 'OVERLOADED') lostAttempts++
        if (lostAttempts > 0 && random() > PERSISTENCE) return end('unknown', lostAttempts, { code })
        await pause(RETRY_MS * random())
      }
    }
  }
}
