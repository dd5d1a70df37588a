import { Type, type Static } from 'typebox'
import { ChatId, Cursor, Dictionary, Input, Nullable, Page, PageLimit, Time, UserId } from '../primitives.ts'

export const AuditEntry = Type.Object({
  id: Type.String({ format: 'uuid' }),
  at: Time,
  keyId: Nullable(Type.String({ description: 'A key of SERVER_API_KEY: the first 12 hexadecimal digits of its SHA-256' })),
  userId: Nullable(UserId),
  action: Type.String({ description: 'The route, as OpenAPI names it: POST /admin/users/{userId}/ban' }),
  target: Dictionary(Type.String(), { description: 'What the path names' }),
  details: Dictionary(Type.Unknown(), { description: 'What was asked for beside that. Of what somebody says or is called: only that it was given' }),
  status: Nullable(Type.Integer({ description: 'Of the answer; null: there was none, and it may have been done or not' })),
})
export type AuditEntry = Static<typeof AuditEntry>

export const ListAudit = Input({
  userId: Type.Optional(UserId),
  keyId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  action: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  targetUserId: Type.Optional(UserId),
  chatId: Type.Optional(ChatId),
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(PageLimit),
})
export type ListAudit = Static<typeof ListAudit>
export const AuditPage = Page(AuditEntry)
