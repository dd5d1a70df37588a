import type { Database } from '../plugins/database.ts'
import { deletedChats, deleteChatRows } from './removal-queries.ts'

export type RemovalService = ReturnType<typeof removalService>

const CHATS_AT_ONCE = 100
/** Of messages, or of whatever is left. */
const ROWS_AT_ONCE = 1_000

/** Chats that have been deleted for everyone lose their rows. Each transaction is whole by itself: cut off anywhere, the next run goes on from there. */
export function removalService (db: Database) {
  return {
    /** The pair of a DIRECT chat is free again when its rows have gone. One chat that cannot be had does not keep the others. */
    async removeDeleted (signal: AbortSignal): Promise<{ chats: number }> {
      const done = { chats: 0 }
      const failures: unknown[] = []
      for (let chatIds = await deletedChats(db, null, CHATS_AT_ONCE); chatIds.length > 0; chatIds = await deletedChats(db, chatIds.at(-1) ?? null, CHATS_AT_ONCE)) {
        for (const chatId of chatIds) {
          try {
            do signal.throwIfAborted()
            while (await db.transaction(tx => deleteChatRows(tx, chatId, ROWS_AT_ONCE)))
            done.chats++
          } catch (error) {
            if (signal.aborted) throw error
            failures.push(error)
          }
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, `${failures.length} chats could not be removed`)
      return done
    },
  }
}
