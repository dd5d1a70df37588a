/**
 * The whole wire contract, merged from the slices: what a client may say and what it may hear. The server registers a
 * handler for every command here, the tests hold every frame against it, and the client takes its types from it.
 */
import type { Static } from 'typebox'
import * as blocks from './blocks/schemas.ts'
import * as chats from './chats/schemas.ts'
import * as messages from './messages/schemas.ts'
import * as moderation from './moderation/schemas.ts'
import * as notices from './notices/schemas.ts'
import type { CommandSchema } from './primitives.ts'
import * as pins from './pins/schemas.ts'
import * as presence from './presence/schemas.ts'
import * as reactions from './reactions/schemas.ts'
import * as realtime from './realtime/schemas.ts'
import * as receipts from './receipts/schemas.ts'
import * as search from './search/schemas.ts'
import * as support from './support/schemas.ts'
import * as sync from './sync/schemas.ts'
import * as users from './users/schemas.ts'

export const commands = {
  ...realtime.commands,
  ...sync.commands,
  ...chats.commands,
  ...messages.commands,
  ...reactions.commands,
  ...pins.commands,
  ...moderation.commands,
  ...receipts.commands,
  ...presence.commands,
  ...blocks.commands,
  ...search.commands,
  ...support.commands,
  ...users.commands,
} as const satisfies Record<string, CommandSchema>

export const events = {
  ...realtime.events,
  ...sync.events,
  ...chats.events,
  ...messages.events,
  ...reactions.events,
  ...pins.events,
  ...receipts.events,
  ...notices.events,
  ...presence.events,
  ...users.events,
} as const

export type CommandName = keyof typeof commands
export type CommandData<Name extends CommandName> = Static<typeof commands[Name]['data']>
export type CommandResult<Name extends CommandName> = Static<typeof commands[Name]['result']>
export type EventName = keyof typeof events
export type EventData<Name extends EventName> = Static<typeof events[Name]>

export type { Me, User, UserSettings } from './users/schemas.ts'
export type { Watermark } from './receipts/schemas.ts'
export type { Chat, ChatView, Head, Membership, Participant } from './chats/schemas.ts'
export type { Message } from './messages/schemas.ts'
export type { Changes, InboxUpdate, Synced } from './sync/schemas.ts'
