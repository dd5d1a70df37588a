import { Type, type Static } from 'typebox'
import { ChatRef, Cursor, Input, MessageRef, Page, PageLimit } from '../primitives.ts'
import { Message, MessageReply, Related } from '../messages/schemas.ts'
import { Users } from '../users/schemas.ts'

export const ListPins = Input({ cursor: Type.Optional(Cursor), limit: Type.Optional(PageLimit) })
export type ListPins = Static<typeof ListPins>
export const PinPage = Type.Object({ ...Page(Message).properties, related: Related, users: Users })

export const commands = {
  pin_message: { data: MessageRef, reply: 'message_pinned', result: MessageReply, errors: ['MESSAGE_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'MESSAGE_DELETED', 'CHAT_BLOCKED', 'REQUEST_PENDING'] },
  unpin_message: { data: MessageRef, reply: 'message_unpinned', result: MessageReply, errors: ['MESSAGE_NOT_FOUND', 'NOT_IN_CHAT', 'ROLE_REQUIRED', 'MESSAGE_DELETED', 'CHAT_BLOCKED', 'REQUEST_PENDING'] },
  get_pins: { data: Input({ ...ChatRef.properties, ...ListPins.properties }), reply: 'ok', result: PinPage, errors: ['CHAT_NOT_FOUND'] },
} as const

export const events = {
  message_pinned: MessageReply,
  message_unpinned: MessageReply,
} as const
