import type { FastifyBaseLogger } from 'fastify'
import type { Hub } from './hub.ts'
import { CLOSE } from './protocol.ts'
import type { HubSource } from './source.ts'

const BATCH = 1_000

/** Of a round, what is asked in one go. */
type Step = () => Promise<void>

/**
 * Compares, in each period, all that is followed here with PostgreSQL: the heads of the chats, the inboxes of the users,
 * the epoch, and whether the users may still be here. Batch by batch, spread over the period, so that it never comes as a wave. It bounds the harm of whatever got lost between a commit and a socket.
 * When the history of the database turns out to be another than the one that was delivered, everybody is sent away to begin anew.
 */
export class Sweep {
  readonly #hub: Hub
  readonly #source: HubSource
  readonly #periodMs: number
  readonly #log: FastifyBaseLogger
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #epoch = ''
  /** What is left of the round. */
  #steps: Step[] = []
  #stepsOfRound = 1
  /** A round is over: all was compared. */
  onRound: () => void = () => {}

  constructor (hub: Hub, source: HubSource, periodMs: number, log: FastifyBaseLogger) {
    this.#hub = hub
    this.#source = source
    this.#periodMs = periodMs
    this.#log = log
  }

  get epoch (): string {
    return this.#epoch
  }

  async start (): Promise<void> {
    this.hear(await this.#source.epoch())
    this.#next()
  }

  async stop (): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#running
  }

  /** Compares the newest of what is followed at once, out of turn. */
  async lookOver (limit: number): Promise<void> {
    const { roster } = this.#hub
    for (const chatIds of batches(roster.newestChats(limit))) await this.#compareChats(chatIds)
    for (const userIds of batches(roster.connectedUsers.slice(-limit))) await this.#compareInboxes(userIds)
  }

  /** The epoch, as a connection to the database has told it. */
  hear (epoch: string): void {
    if (epoch === this.#epoch) return
    const isFirst = this.#epoch === ''
    this.#log[isFirst ? 'debug' : 'warn']({ from: this.#epoch, to: epoch }, 'the history of the database')
    this.#epoch = epoch
    if (!isFirst) this.#startAnew()
  }

  #next (): void {
    if (this.#steps.length === 0) this.#steps = this.#round()
    const pause = this.#periodMs / this.#stepsOfRound
    this.#timer = setTimeout(() => {
      this.#running = this.#step().catch((err: unknown) => this.#log.warn({ err }, 'a step of the sweep has failed, and is done again')).then(() => {
        if (this.#timer) this.#next()
      })
    }, pause).unref()
  }

  #round (): Step[] {
    const steps = [
      ...[...batches(this.#hub.roster.followedChats)].map(chatIds => () => this.#compareChats(chatIds)),
      ...[...batches(this.#hub.roster.connectedUsers)].map(userIds => () => this.#compareInboxes(userIds)),
    ]
    this.#stepsOfRound = Math.max(1, steps.length)
    return steps
  }

  async #step (): Promise<void> {
    this.hear(await this.#source.epoch())
    await this.#steps[0]?.()
    this.#steps.shift()
    if (this.#steps.length === 0) this.onRound()
  }

  async #compareChats (chatIds: string[]): Promise<void> {
    const delivered = new Map(chatIds.map(chatId => [chatId, this.#hub.roster.feed(chatId)?.chain.delivered])) // before it is asked what there is
    const heads = await this.#source.heads(chatIds)
    for (const [chatId, { lastRevision }] of heads) if (lastRevision < (delivered.get(chatId) ?? 0)) return this.#goneBack({ chatId })
    for (const chatId of chatIds) this.#hub.expectChat(chatId, heads.get(chatId)?.lastRevision ?? null)
  }

  async #compareInboxes (userIds: string[]): Promise<void> {
    const delivered = new Map(userIds.map(userId => [userId, this.#hub.roster.user(userId)?.inbox.delivered]))
    for (const [userId, { inboxRevision, banned, tokensValidFrom }] of await this.#source.inboxes(userIds)) {
      if (inboxRevision < (delivered.get(userId) ?? 0)) return this.#goneBack({ userId })
      this.#hub.expectInbox(userId, inboxRevision)
      if (banned) this.#hub.roster.closeUser(userId, CLOSE.BANNED)
      if (tokensValidFrom) this.#hub.roster.closeUser(userId, CLOSE.TOKEN_INVALID, { issuedBefore: tokensValidFrom.getTime() })
    }
  }

  /** Restored from a dump or a copy, and its epoch is still the old one. */
  #goneBack (where: { chatId: string } | { userId: string }): void {
    this.#log.error(where, 'the database has gone back to an earlier state: run "npm run epoch -- --new"')
    this.#startAnew()
  }

  /** What is left of the round was about what is no longer. */
  #startAnew (): void {
    this.#hub.roster.closeAll(CLOSE.EPOCH_CHANGED)
    this.#steps = []
  }
}

function * batches<Item> (items: Item[]): Generator<Item[]> {
  for (let from = 0; from < items.length; from += BATCH) yield items.slice(from, from + BATCH)
}
