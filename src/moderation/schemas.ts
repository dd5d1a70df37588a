import { Type, type Static } from 'typebox'
import { Chat, Participant } from '../chats/schemas.ts'
import { Message } from '../messages/schemas.ts'
import { ChatId, Cursor, Input, MessageId, MessageRef, Nullable, Page, PageLimit, Time, UserId } from '../primitives.ts'
import { Users } from '../users/schemas.ts'

const Reason = Type.String({ minLength: 1, maxLength: 1_000, description: "In somebody's own words, or the application's name of one: SPAM …" })
export const ReportId = Type.String({ format: 'uuid', description: 'A report' })
export const ReportStatus = Type.Enum(['OPEN', 'RESOLVED'])
export const Resolution = Type.Enum(['DISMISSED', 'MESSAGE_DELETED', 'USER_BANNED'])
export type Resolution = Static<typeof Resolution>

export const ReportMessage = Input({ reason: Reason })
/** A report, as who has made it sees it. */
export const Report = Type.Object({ id: ReportId, chatId: ChatId, messageId: MessageId, reason: Type.String(), status: ReportStatus, createdAt: Time })
export const ReportReply = Type.Object({ report: Report })

export const AdminReport = Type.Object({
  ...Report.properties,
  senderId: UserId,
  reporterId: UserId,
  /** As it was when it was reported, whatever has become of it; null when the report was resolved more than DELETED_CONTENT_DAYS ago. */
  message: Nullable(Message),
  resolution: Nullable(Resolution),
  note: Nullable(Type.String()),
  /** null: by the application's server. */
  resolvedById: Nullable(UserId),
  resolvedAt: Nullable(Time),
})
export type AdminReport = Static<typeof AdminReport>

export const ListReports = Input({
  status: Type.Optional(ReportStatus),
  chatId: Type.Optional(ChatId),
  senderId: Type.Optional(UserId),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(PageLimit),
})
export type ListReports = Static<typeof ListReports>
export const ReportPage = Type.Object({ ...Page(AdminReport).properties, users: Users })

export const ReportRef = Input({ reportId: ReportId })
export const ReportView = Type.Object({
  report: AdminReport,
  /** null: its rows have gone. */
  chat: Nullable(Chat),
  /** The message as it is now; null: it has gone. */
  current: Nullable(Message),
  context: Type.Array(Message, { description: 'Up to 20 messages before it, itself, up to 20 after, ascending' }),
  participants: Type.Array(Participant, { description: 'Up to 50 of who is in the chat: the sender and the staff first' }),
  earlierReports: Type.Array(AdminReport, { description: 'Up to 20 earlier ones on the same sender, newest first' }),
  users: Users,
})

const BanSeconds = Type.Integer({ minimum: 1, maximum: 3_153_600_000 })
export const ResolveReport = Input({ resolution: Resolution, note: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000 })), banSeconds: Type.Optional(BanSeconds) })
export type ResolveReport = Static<typeof ResolveReport>
export const AdminReportReply = Type.Object({ report: AdminReport })

export const BanUser = Input({ seconds: Type.Optional(BanSeconds), until: Type.Optional(Time), reason: Type.Optional(Reason) })
export type BanUser = Static<typeof BanUser>
export const Ban = Type.Object({ userId: UserId, bannedUntil: Nullable(Time), reason: Nullable(Type.String()) })
export type Ban = Static<typeof Ban>

export const commands = {
  report_message: { data: Input({ ...MessageRef.properties, ...ReportMessage.properties }), reply: 'ok', result: ReportReply, errors: ['MESSAGE_NOT_FOUND', 'MESSAGE_DELETED', 'TARGET_IS_SELF'] },
} as const
