import { Type, type Static } from 'typebox'
import { ChatRef, Cursor, Input, InputWithLabels, Labels, Page, PageLimit, UserId } from '../primitives.ts'
import { ChatView, ParticipantChange, SupportStatus } from '../chats/schemas.ts'
import { Message, Related } from '../messages/schemas.ts'

/** What an agent sees of a support chat that they need not be in; the newest 50 messages, oldest first. */
export const SupportView = Type.Object({ ...ChatView.properties, messages: Type.Array(Message), related: Related })
export type SupportView = Static<typeof SupportView>

export const ListSupport = Input({
  status: Type.Optional(SupportStatus),
  labels: Type.Optional(Labels),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(PageLimit),
})
export type ListSupport = Static<typeof ListSupport>
export const ListSupportQuery = InputWithLabels(ListSupport.properties)
export const SupportPage = Page(ChatView)

export const TakeChat = Input({ join: Type.Optional(Type.Boolean({ description: 'Beside the agent whose chat it is' })) })
export type TakeChat = Static<typeof TakeChat>

export const ReleaseChat = Input({ toUserId: Type.Optional(UserId) })
export type ReleaseChat = Static<typeof ReleaseChat>

export const commands = {
  get_support_chats: { data: ListSupport, reply: 'ok', result: SupportPage, errors: ['ROLE_REQUIRED'] },
  get_support_chat: { data: ChatRef, reply: 'ok', result: SupportView, errors: ['ROLE_REQUIRED', 'CHAT_NOT_FOUND'] },
  take_chat: { data: Input({ ...ChatRef.properties, ...TakeChat.properties }), reply: 'ok', result: ChatView, errors: ['ROLE_REQUIRED', 'CHAT_NOT_FOUND', 'CHAT_TAKEN'] },
  release_chat: { data: Input({ ...ChatRef.properties, ...ReleaseChat.properties }), reply: 'ok', result: ParticipantChange, errors: ['ROLE_REQUIRED', 'CHAT_NOT_FOUND', 'TARGET_IS_SELF', 'USER_NOT_FOUND', 'USER_BANNED', 'CHAT_BLOCKED'] },
  close_chat: { data: ChatRef, reply: 'ok', result: ChatView, errors: ['ROLE_REQUIRED', 'CHAT_NOT_FOUND'] },
} as const
