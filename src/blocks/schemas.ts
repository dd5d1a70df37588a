import { Type, type Static } from 'typebox'
import { ChatId, InputWithOneOf, Page, Time, UserId } from '../primitives.ts'
import { Users } from '../users/schemas.ts'

export const Block = Type.Object({ userId: UserId, blockedAt: Time })
export const Blocks = Type.Object({ ...Page(Block).properties, users: Users })
export type Blocks = Static<typeof Blocks>

export const BlockChange = Type.Object({ userId: UserId, blocked: Type.Boolean() })
export type BlockChange = Static<typeof BlockChange>

/** A person, or the other one of a DIRECT chat. */
export const BlockTarget = InputWithOneOf(['userId', 'chatId'], { userId: Type.Optional(UserId), chatId: Type.Optional(ChatId) })
export type BlockTarget = Static<typeof BlockTarget>

export const commands = {
  block_user: { data: BlockTarget, reply: 'ok', result: BlockChange, errors: ['CHAT_NOT_FOUND', 'TARGET_IS_SELF', 'USER_NOT_FOUND'] },
  unblock_user: { data: BlockTarget, reply: 'ok', result: BlockChange, errors: ['CHAT_NOT_FOUND', 'TARGET_IS_SELF', 'USER_NOT_FOUND'] },
  get_blocks: { data: Type.Object({}, { additionalProperties: false }), reply: 'ok', result: Blocks, errors: [] },
} as const
