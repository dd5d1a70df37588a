import type { Database } from '../plugins/database.ts'
import type { HubSource } from '../realtime/source.ts'
import type { ChangesReader } from './changes-reader.ts'
import { heads, inboxes, inboxSince, loadUser, readEpoch } from './queries.ts'

const PAGE = 200

/** What the hub reads, answered by the same statements that answer clients. */
export function hubSource (db: Database, changes: ChangesReader): HubSource {
  return {
    loadUser: userId => db.catchUp('signIn', () => loadUser(db, userId)),

    async changesFor (chatId, userIds, since) {
      const found = await changes.read(chatId, userIds, since, PAGE)
      return new Map(userIds.map(userId => {
        const changesOf = found.get(userId)
        return [userId, changesOf === undefined || changesOf === 'ahead' ? null : { data: changesOf.rows.text + changesOf.own, upTo: changesOf.upTo, hasMore: changesOf.hasMore }]
      }))
    },

    inboxSince: (userId, since) => inboxSince(db, userId, since),

    async heads (chatIds) {
      return new Map((await heads(db, chatIds)).map(({ chatId, ...head }) => [chatId, head]))
    },

    async inboxes (userIds) {
      return new Map((await inboxes(db, userIds)).map(({ userId, ...inbox }) => [userId, inbox]))
    },

    epoch: (connection = db) => readEpoch(connection),
  }
}
