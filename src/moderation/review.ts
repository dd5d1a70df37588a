import type { Changes } from '../changes.ts'
import { usersOf } from '../chats/queries.ts'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import { EncodedJson } from '../json.ts'
import { deleteMessage } from '../messages/deletion.ts'
import { parseMessageId } from '../messages/message-id.ts'
import { decodeCursor, toPage } from '../pages.ts'
import type { Admin } from '../plugins/admin.ts'
import type { Database, Queryable } from '../plugins/database.ts'
import { compile } from '../plugins/validation.ts'
import { Input, Time } from '../primitives.ts'
import { after, type BansService } from './bans.ts'
import { blankReports, contextOf, deletable, earlierReports, findReport, listReports, settleReport, type Settlement } from './queries.ts'
import { ReportId, type AdminReport, type ListReports, type ResolveReport } from './schemas.ts'

export type ReviewService = ReturnType<typeof reviewService>

export interface ReviewDependencies { db: Database, changes: Changes, bans: BansService, config: Pick<Config, 'deletedContentDays'> }

const CONTEXT = { before: 20, after: 20, participants: 50 }
const EARLIER_REPORTS = 20
const BLANKED_AT_ONCE = 1_000

const checkCursor = compile(Input({ createdAt: Time, id: ReportId }), 'cursor')

/** (A copy of a message may be from before the schema of today.) */
const encoded = (value: object): EncodedJson => new EncodedJson(JSON.stringify(value))

/** What administrators make of reports. */
export function reviewService ({ db, changes, bans, config }: ReviewDependencies) {
  async function find (reportId: string): Promise<AdminReport> {
    const report = await findReport(db, reportId)
    if (!report) throw new ApiError('REPORT_NOT_FOUND')
    return report
  }

  /** @returns undefined: it was settled like that before. @throws {ApiError} REPORT_RESOLVED: otherwise */
  async function settle (tx: Queryable, reportId: string, settlement: Settlement): Promise<AdminReport | undefined> {
    const settled = await settleReport(tx, reportId, settlement)
    if (settled) return settled
    if ((await findReport(tx, reportId))?.resolution !== settlement.resolution) throw new ApiError('REPORT_RESOLVED')
  }

  /** The message and the report in one, under the chat's lock; where there is no chat any more there is no message to delete. */
  async function deleteReported (admin: Admin, { id, messageId }: AdminReport, settlement: Settlement): Promise<void> {
    const key = parseMessageId(messageId)
    try {
      await changes.run({ chatId: key.chatId }, async change => {
        if (!await settle(change.tx, id, settlement)) return
        const message = await deletable(change.tx, key)
        if (message && !message.deleted) await deleteMessage(change, key, message, admin.userId)
      })
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 'CHAT_NOT_FOUND')) throw error
      await settle(db, id, settlement)
    }
  }

  async function banReported (admin: Admin, { id, senderId, reason }: AdminReport, settlement: Settlement, seconds: number | undefined): Promise<void> {
    const enforce = await db.transaction(async tx => await settle(tx, id, settlement) && bans.write(tx, admin, senderId, after(seconds), settlement.note ?? reason))
    enforce?.()
  }

  return {
    /** Oldest first. */
    async list ({ cursor, limit = 50, ...filter }: ListReports): Promise<EncodedJson> {
      const rows = await listReports(db, { ...filter, limit: limit + 1 }, decodeCursor(cursor, checkCursor))
      const page = toPage(rows, limit, row => row, ({ createdAt, id }) => ({ createdAt, id }))
      return encoded({ ...page, users: await usersOf(db, page.data.flatMap(people)) })
    },

    /** With what was said around it, who is there, and what was reported of the sender before. @throws {ApiError} REPORT_NOT_FOUND */
    async get (reportId: string): Promise<EncodedJson> {
      const report = await find(reportId)
      const [context, earlier] = [await contextOf(db, parseMessageId(report.messageId), report.senderId, CONTEXT), await earlierReports(db, report, EARLIER_REPORTS)]
      const named = [report, ...earlier].flatMap(people).concat(context.context.flatMap(({ senderId }) => senderId ?? []), context.participants.map(({ userId }) => userId))
      return encoded({ report, ...context, earlierReports: earlier, users: await usersOf(db, [...new Set(named)]) })
    },

    /**
     * Says what becomes of a report, and does it: deletes the message for everybody, or bans its sender (for ever, or for some
     * seconds). The same again changes nothing.
     * @throws {ApiError} REPORT_NOT_FOUND, REPORT_RESOLVED; TARGET_IS_SELF for a ban of oneself
     */
    async resolve (admin: Admin, reportId: string, { resolution, note, banSeconds }: ResolveReport): Promise<EncodedJson> {
      if (banSeconds !== undefined && resolution !== 'USER_BANNED') throw new ApiError('VALIDATION_FAILED', 'banSeconds is for USER_BANNED', { details: { field: 'banSeconds' } })
      const report = await find(reportId)
      const settlement: Settlement = { resolution, note: note ?? null, resolvedById: admin.userId }
      if (resolution === 'MESSAGE_DELETED') await deleteReported(admin, report, settlement)
      else if (resolution === 'USER_BANNED') await banReported(admin, report, settlement, banSeconds)
      else await settle(db, reportId, settlement)
      return encoded({ report: await find(reportId) })
    },

    /** A report that was resolved stays, its copy of the message goes with what other deleted messages said. */
    async purge (signal: AbortSignal): Promise<{ reports: number }> {
      let reports = 0
      for (let blanked = -1; blanked !== 0; reports += blanked) {
        signal.throwIfAborted()
        blanked = await blankReports(db, config.deletedContentDays, BLANKED_AT_ONCE)
      }
      return { reports }
    },
  }
}

function people ({ senderId, reporterId, resolvedById }: AdminReport): string[] {
  return [senderId, reporterId, ...(resolvedById === null ? [] : [resolvedById])]
}
