import type { Changes } from '../changes.ts'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import type { Database } from '../plugins/database.ts'
import { chatsToTrim, purgeVersions, trimHistory, type VersionKey } from './retention-queries.ts'

export type RetentionService = ReturnType<typeof retentionService>

export interface RetentionDependencies { db: Database, changes: Changes, config: Pick<Config, 'deletedContentDays'> }

/** Messages that go in one transaction: a send waits no longer than that takes. */
const TRIM_AT_ONCE = 500
const CHATS_AT_ONCE = 100
const VERSIONS_AT_ONCE = 1_000

/** What goes by its age. Each transaction is whole by itself: cut off anywhere, the next run goes on from there. */
export function retentionService ({ db, changes, config }: RetentionDependencies) {
  /** @returns how many messages have gone: 0 when those that are left are young enough */
  async function trimOnce (chatId: string): Promise<number> {
    return changes.run({ chatId }, async change => {
      const minSeq = await trimHistory(change.tx, chatId, TRIM_AT_ONCE)
      if (minSeq === null) return 0
      await change.takeRevisions()
      change.publish({ type: 'history_trimmed', data: { minSeq } })
      return minSeq - change.head.minSeq
    })
  }

  async function trimChat (chatId: string, signal: AbortSignal): Promise<number> {
    let messages = 0
    try {
      for (let gone = -1; gone !== 0; messages += gone) {
        signal.throwIfAborted()
        gone = await trimOnce(chatId)
      }
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 'CHAT_NOT_FOUND')) throw error // deleted meanwhile
    }
    return messages
  }

  return {
    /** Removes what is older than its chat keeps it: by the present `retentionDays`, oldest first. One chat that cannot be had does not keep the others. */
    async trim (signal: AbortSignal): Promise<{ chats: number, messages: number }> {
      const done = { chats: 0, messages: 0 }
      const failures: unknown[] = []
      for (let chatIds = await chatsToTrim(db, null, CHATS_AT_ONCE); chatIds.length > 0; chatIds = await chatsToTrim(db, chatIds.at(-1) ?? null, CHATS_AT_ONCE)) {
        for (const chatId of chatIds) {
          try {
            done.messages += await trimChat(chatId, signal)
            done.chats++
          } catch (error) {
            if (signal.aborted) throw error
            failures.push(error)
          }
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, `${failures.length} chats could not be trimmed`)
      return done
    },

    /** Removes what deleted messages have said, once it has been kept for DELETED_CONTENT_DAYS. Earlier contents of other messages stay as long as these do. */
    async purgeDeleted (signal: AbortSignal): Promise<{ versions: number }> {
      let versions = 0
      for (let after: VersionKey | null = null; ;) {
        signal.throwIfAborted()
        const { last, removed }: Awaited<ReturnType<typeof purgeVersions>> = await purgeVersions(db, config.deletedContentDays, after, VERSIONS_AT_ONCE)
        versions += removed
        if (last === null) return { versions }
        after = last
      }
    },
  }
}
