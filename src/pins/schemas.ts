import { Type, type Static } from 'typebox'
import { ChatRef, Cursor, Input, MessageRef, Page, PageLimit } from '../primitives.ts'
import { Message, MessageReply, Related } from '../messages/schemas.ts'
import { Users } from '../users/schemas.ts'

export const ListPins = Input({ cursor: Type.Optional(Cursor), limit: Type.Optional(PageLimit) })
export type ListPins = Static<typeof ListPins>
export const PinPage = Type.Object({ ...Page(Message).properties, related: Related, users: Users })

export const commands = {
  pin_message: { data: MessageRef, reply: 'message_pinned', result: MessageReply },
  unpin_message: { data: MessageRef, reply: 'message_unpinned', result: MessageReply },
  get_pins: { data: Input({ ...ChatRef.properties, ...ListPins.properties }), reply: 'ok', result: PinPage },
} as const

export const events = {
  message_pinned: MessageReply,
  message_unpinned: MessageReply,
} as const
