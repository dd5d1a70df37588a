import type { ErrorCode } from './errors.ts'
import { Type, type Static, type TProperties, type TSchema, type TSchemaOptions } from 'typebox'

// The small words that all schemas are made of.

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** Input: what is not named is refused, so that nothing a client says is dropped in silence. */
export const Input = <T extends TProperties>(properties: T) => Type.Object(properties, { additionalProperties: false })

/** Input that names exactly one of these. */
export const InputWithOneOf = <T extends TProperties>(names: (keyof T & string)[], properties: T) =>
  Type.Object(properties, { additionalProperties: false, oneOf: names.map(name => ({ required: [name] })) })

const MAX_INT = 2_147_483_647

export const ChatId = Type.String({ format: 'uuid', description: 'A chat' })
export const MessageId = Type.String({
  pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\\.[1-9][0-9]{0,9}$',
  description: 'A message: opaque to clients',
})
export const UserId = Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$', description: "The application's own id of a user" })
export const Seq = Type.Integer({ minimum: 0, maximum: MAX_INT, description: 'The number of a message in its chat: 1, 2, 3 … without a hole' })
export const Revision = Type.Integer({ minimum: 0, maximum: MAX_INT, description: 'The change counter of a chat (or of an inbox)' })
export const Count = Type.Integer({ minimum: 0 })
/** There is no year 0 in PostgreSQL, and no offset of 16 hours or more. */
export const Time = Type.String({ format: 'date-time', pattern: '^(?!0000).*([Zz]|[+-](0[0-9]|1[0-5]):[0-9]{2})$', description: 'RFC 3339, UTC, milliseconds' })
export const ClientKey = Type.String({ minLength: 1, maxLength: 128, description: "The client's own key: a repeat is answered with what the first one made" })
export const Limit = (fallback: number, maximum: number) => Type.Integer({ minimum: 1, maximum, default: fallback })
export const PageLimit = Limit(50, 100)
export const Cursor = Type.String({ minLength: 1, maxLength: 512, description: 'nextCursor of the page before' })
/** Keys of any text: the usual pattern of a record, `^.*$`, knows none with a line end, and a serializer would leave these out. */
export const Dictionary = <T extends TSchema>(schema: T, options: TSchemaOptions = {}) => Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), schema, options)
/** Depth and size are checked by `assertMetadata`. */
export const Metadata = Dictionary(Type.Unknown(), { description: 'An object of the application, ≤ 8 KiB, ≤ 8 levels deep' })
export const Labels = Type.Record(Type.String({ pattern: '^.{1,64}$' }), Type.String({ maxLength: 256 }), { maxProperties: 10, additionalProperties: false })

/** The same input as a URL says it: labels, which have names of the application's own, one by one as `label.<key>=<value>`. */
export const InputWithLabels = <T extends TProperties & { labels: TSchema }>({ labels: _, ...properties }: T) =>
  Type.Object(properties, { additionalProperties: false, patternProperties: { '^label\\..{1,64}$': Type.String({ maxLength: 256 }) } })

export const ChatRef = Input({ chatId: ChatId })
export const MessageRef = Input({ messageId: MessageId })
export const UserRef = Input({ userId: UserId })
export type ChatRef = Static<typeof ChatRef>
export type MessageRef = Static<typeof MessageRef>

export const Page = <T extends TSchema>(item: T) => Type.Object({ data: Type.Array(item), nextCursor: Nullable(Type.String()) })

/** What a command needs beside its data schema: the type and schema of its reply, and the errors of its own (not those that any command can meet). */
export interface CommandSchema { data: TSchema, reply: string, result: TSchema, errors: readonly ErrorCode[] }

export const ErrorBody = Type.Object({
  statusCode: Type.Integer(),
  code: Type.String(),
  error: Type.String(),
  message: Type.String(),
  details: Type.Optional(Type.Unknown()),
})
