import { LRUCache } from 'lru-cache'
import type { SharedText } from '../json.ts'

/** The newest messages of a chat, as all see them who may see all of them and block nobody. */
export interface NewestPage {
  /** The chat's, when they were read: as long as it has no other, they are the newest and have not changed. */
  revision: number
  firstSeq: number
  lastSeq: number
  /** Of what the page shows, messages that are answered in it included. */
  lowestSeq: number
  senders: string[]
  json: SharedText
}

/** UTF-16 units; about as many bytes again go out from them. */
const MAX_SIZE = 32 * 1024 * 1024

/**
 * What is opened again and again: who comes into a chat gets the bytes that the one before has got. PostgreSQL is asked each
 * time whether they still hold, and whether this user may see them (listMessages). A revision counts only within its epoch.
 */
export class NewestPages {
  readonly #epoch: () => string
  readonly #pages = new LRUCache<string, NewestPage>({ maxSize: MAX_SIZE, sizeCalculation: ({ json }) => json.text.length + 1_000 })

  constructor (epoch: () => string) {
    this.#epoch = epoch
  }

  /** The page as it is known, if it is, goes into `read`; what that finds is kept. */
  async read<Found extends { newest: NewestPage | undefined }> (chatId: string, limit: number, read: (known: NewestPage | undefined) => Promise<Found | undefined>): Promise<Found | undefined> {
    const key = `${this.#epoch()} ${chatId} ${limit}`
    const known = this.#pages.get(key)
    const found = await read(known)
    if (found?.newest && found.newest !== known) this.#pages.set(key, found.newest)
    return found
  }
}
