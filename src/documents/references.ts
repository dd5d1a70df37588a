import * as chats from '../chats/schemas.ts'
import * as media from '../media/schemas.ts'
import * as messages from '../messages/schemas.ts'
import * as moderation from '../moderation/schemas.ts'
import * as presence from '../presence/schemas.ts'
import { ErrorBody } from '../primitives.ts'
import { Authenticated, CommandError } from '../realtime/schemas.ts'
import * as receipts from '../receipts/schemas.ts'
import * as sync from '../sync/schemas.ts'
import * as users from '../users/schemas.ts'

export type Json = Record<string, unknown>

/** The resources that both documents define once, by their names in the contract, and refer to everywhere else. */
export const RESOURCES: Record<string, object> = {
  AdminReport: moderation.AdminReport,
  Attachment: media.Attachment,
  Authenticated,
  Ban: moderation.Ban,
  Changes: sync.Changes,
  Chat: chats.Chat,
  ChatSettings: chats.ChatSettings,
  ChatView: chats.ChatView,
  CommandError,
  Error: ErrorBody,
  Head: chats.Head,
  HistoryPage: messages.HistoryPage,
  InboxUpdate: sync.InboxUpdate,
  Me: users.Me,
  Membership: chats.Membership,
  Message: messages.Message,
  Participant: chats.Participant,
  ParticipantChange: chats.ParticipantChange,
  Presence: presence.Presence,
  Report: moderation.Report,
  Stats: chats.Stats,
  Synced: sync.Synced,
  User: users.User,
  Users: users.Users,
  Watermark: receipts.Watermark,
}

/** What a schema looks like from afar: comparing all of them in full would take most of a start. */
const outline = ({ properties, anyOf, type }: Json): string => properties ? Object.keys(properties).join() : anyOf ? `anyOf ${(anyOf as unknown[]).length}` : String(type)
const byOutline = Map.groupBy(Object.entries(RESOURCES).map(([name, resource]) => ({ name, resource, text: JSON.stringify(resource) })), ({ resource }) => outline(resource as Json))

/** The resource that a schema is, by its name. */
export function nameOf (schema: object): string | undefined {
  const candidates = byOutline.get(outline(schema as Json))
  if (!candidates) return undefined
  const itself = candidates.find(({ resource }) => resource === schema)
  if (itself) return itself.name
  const copy = JSON.stringify(schema) // as Optional makes them
  return candidates.find(({ text }) => text === copy)?.name
}

/**
 * A schema with references in place of the resources in it.
 * @param own the name of the resource that the schema itself is, which is not to refer to itself
 */
export function withReferences (schema: unknown, own?: string): unknown {
  if (Array.isArray(schema)) return schema.map(each => withReferences(each))
  if (typeof schema !== 'object' || schema === null) return schema
  const name = nameOf(schema)
  if (name !== undefined && name !== own) return { $ref: `#/components/schemas/${name}` }
  // Ajv's hint at which alternative is meant; in AsyncAPI the word means something else, and each alternative says its type.
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== 'discriminator').map(([key, value]) => [key, withReferences(value)]))
}

/** `components.schemas`: those resources that the rest of a document refers to, and those that these refer to, with an example of each. */
export function componentSchemas (rest: unknown, example: (schema: object) => unknown): Json {
  const found = new Map<string, Json>()
  const find = (text: string): void => {
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      const schema = RESOURCES[name]
      if (found.has(name) || !schema) continue
      const own = withReferences(schema, name) as Json
      found.set(name, { ...own, examples: [example(schema)] })
      find(JSON.stringify(own))
    }
  }
  find(JSON.stringify(rest))
  return Object.fromEntries([...found].sort(([a], [b]) => a < b ? -1 : 1))
}
