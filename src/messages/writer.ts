import type { FastifyBaseLogger } from 'fastify'
import { refusal, type ApiError } from '../errors.ts'
import { GroupCommit } from '../group-commit.ts'
import type { Queryable } from '../plugins/database.ts'
import { sendMessages, type SendItem, type SendOutcome } from './queries.ts'

/** While one batch waits for its commit, the next is being worked on. */
const BATCHES = 2
const MAX_BATCH_OF_A_CHAT = 128

export interface WriterEvents {
  /** These have been committed just now. */
  created (outcomes: SendOutcome[]): void
  /** See `GroupCommitOptions.onBatch`. */
  batch? (size: number, waitedMs: number, tookMs: number): void
  /** These were committed some time ago, and nobody may have been told. */
  found (outcomes: SendOutcome[]): void
}

/** Sends messages by group commit. The messages of a chat keep their order; their keys tell what has been committed before. */
export class Writer {
  readonly #sends: GroupCommit<SendItem, SendOutcome>

  constructor (db: Queryable, log: FastifyBaseLogger, events: WriterEvents) {
    this.#sends = new GroupCommit(log, {
      name: 'messages',
      batches: BATCHES,
      keyOf: ({ chatId }) => chatId,
      maxOfKey: MAX_BATCH_OF_A_CHAT,
      commit: (items, options) => sendMessages(db, items, options),
      onBatch: events.batch,
      onCommitted: done => {
        events.created(done.filter(({ outcome }) => outcome.status === 'created').map(({ outcome }) => outcome))
        events.found(done.filter(({ outcome, isRepeat }) => isRepeat && outcome.status === 'duplicate').map(({ outcome }) => outcome))
      },
    })
  }

  /** @throws {ApiError} OVERLOADED when too many wait, OUTCOME_UNKNOWN, or whatever the message was refused for */
  async send (item: SendItem): Promise<SendOutcome> {
    const outcome = await this.#sends.do(item)
    if (outcome.status === 'rejected') throw refused(outcome)
    return outcome
  }

  /** When all that was taken has been committed or refused. Before the end: a database that does not answer is not waited for any more. */
  async drain (): Promise<void> {
    await this.#sends.drain()
  }
}

/** Why a message was rejected, for who has sent it. */
export function refused (outcome: SendOutcome): ApiError {
  return refusal(outcome, 'type is not that of the attachments')
}
