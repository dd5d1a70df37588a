import type { Database } from '../plugins/database.ts'
import type { HubSource } from '../realtime/source.ts'
import { changesForUsers, heads, inboxes, inboxSince, loadUser, readEpoch } from './queries.ts'

const PAGE = 200

/** What the hub reads, answered by the same statements that answer clients. */
export function hubSource (db: Database): HubSource {
  return {
    loadUser: userId => loadUser(db, userId),

    async changesFor (chatId, userIds, since) {
      const rows = await changesForUsers(db, chatId, userIds, since, PAGE)
      return new Map(rows.map(({ userId, data, upTo, hasMore }) => [userId, data === null || upTo === null ? null : { data, upTo, hasMore: hasMore === true }]))
    },

    inboxSince: (userId, since) => inboxSince(db, userId, since),

    async heads (chatIds) {
      return new Map((await heads(db, chatIds)).map(({ chatId, ...head }) => [chatId, head]))
    },

    async inboxes (userIds) {
      return new Map((await inboxes(db, userIds)).map(({ userId, ...inbox }) => [userId, inbox]))
    },

    epoch: () => readEpoch(db),
  }
}
