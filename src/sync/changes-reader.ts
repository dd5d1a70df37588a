import type { Database } from '../plugins/database.ts'
import { changesFor, type ChangesOf } from './queries.ts'

export type FoundChanges = Map<string, ChangesOf | 'ahead'>

interface Read { userIds: Set<string>, found: Promise<FoundChanges> }

/** What a user's own part of an answer costs keeps the others of the same read waiting. */
const USERS_A_READ = 100

/**
 * Reads what has changed in chats, for thousands who come back at once: while a read waits for its turn at the database, all who
 * ask for the same join it. Nobody joins one that has begun: what it sees may be older than what they have been told since.
 */
export class ChangesReader {
  readonly #db: Database
  readonly #waiting = new Map<string, Read>()

  constructor (db: Database) {
    this.#db = db
  }

  /** Of the users who are in the chat; there may be others in it. */
  async read (chatId: string, userIds: string[], since: number, limit: number): Promise<FoundChanges> {
    const key = `${chatId} ${since} ${limit}`
    const waiting = this.#waiting.get(key)
    if (waiting && waiting.userIds.size + userIds.length <= USERS_A_READ) {
      for (const userId of userIds) waiting.userIds.add(userId)
      return waiting.found
    }
    const read: Read = { userIds: new Set(userIds), found: Promise.resolve(new Map()) }
    this.#waiting.set(key, read)
    const begin = () => { if (this.#waiting.get(key) === read) this.#waiting.delete(key) }
    read.found = this.#db.catchUp('changes', () => { // at once, if it can
      begin()
      return changesFor(this.#db, chatId, [...read.userIds], since, limit)
    }).finally(begin) // which it has not, if its turn came too late
    return read.found
  }
}
