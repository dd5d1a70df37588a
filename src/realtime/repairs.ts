import { setTimeout } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Feed } from './feed.ts'
import { encodeFrame, plainFrame } from './protocol.ts'
import type { Roster } from './roster.ts'
import type { HubSource } from './source.ts'

/** Where the head of a chat that somebody has come into could not be read. */
const HEAD_RETRY_MS = 1_000

export interface RepairsOptions {
  roster: Roster
  source: Pick<HubSource, 'changesFor' | 'heads'>
  /** The chat is there no longer. */
  onGone: (feed: Feed) => void
  /** Its followers know now what has changed since a revision. */
  onRepaired: (feed: Feed, since: number) => void
  log: FastifyBaseLogger
}

/** What was committed and has not come: it is read from the database, and told as each may see it. */
export class Repairs {
  readonly #options: RepairsOptions

  constructor (options: RepairsOptions) {
    this.#options = options
  }

  /** Each follower gets `changes`. Who is not in the chat any more follows no longer. @returns the revision reached */
  async ofChat (feed: Feed, since: number): Promise<number> {
    const { source, log, onGone, onRepaired } = this.#options
    log.debug({ chatId: feed.chatId, since }, 'repairing a chat')
    for (let reached = since; ;) {
      const pages = await source.changesFor(feed.chatId, feed.followers.map(user => user.userId), reached)
      if ([...pages.values()].every(page => page === null) && !(await source.heads([feed.chatId])).has(feed.chatId)) {
        onGone(feed) // not they have left it: it is gone
        return reached
      }
      let lowest = Infinity
      feed.flush()
      for (const user of feed.followers) {
        const page = pages.get(user.userId)
        if (page) {
          lowest = Math.min(lowest, page.upTo)
          feed.sendTo(user, encodeFrame(plainFrame('changes', page.data, feed.chatId)))
        } else if (page === null) { // else they came while it was read
          this.#options.roster.unfollow(user, feed)
        }
      }
      if (lowest !== Infinity) reached = Math.max(reached, lowest)
      if ([...pages.values()].some(page => page?.hasMore)) continue
      onRepaired(feed, since)
      return reached
    }
  }

  /** Where the chat is now, for who has come into it before its own frame said so: what they miss is told. */
  async upToHead (feed: Feed): Promise<void> {
    const { roster, source, log } = this.#options
    if (feed.heard) await feed.heard
    while (roster.feed(feed.chatId) === feed) {
      try {
        const head = (await source.heads([feed.chatId])).get(feed.chatId)
        if (!head) return
        feed.memberCount = head.memberCount
        return feed.chain.expect(head.lastRevision)
      } catch (err) { // the database is away: no reason to lose a socket
        log.warn({ err, chatId: feed.chatId }, 'a chat could not be followed yet')
        await setTimeout(HEAD_RETRY_MS, undefined, { ref: false })
      }
    }
  }
}
