import { Type, type Static } from 'typebox'
import { ChatId, Nullable, Revision, Time, UserId } from '../primitives.ts'

export const Role = Type.Enum(['OWNER', 'ADMIN', 'MODERATOR', 'MEMBER'], { description: 'From the most to the least' })
export type Role = Static<typeof Role>
export const ParticipantState = Type.Enum(['INVITED', 'JOINED', 'REJECTED', 'LEFT', 'REMOVED', 'BANNED'])

export const Participant = Type.Object({
  chatId: ChatId,
  userId: UserId,
  role: Role,
  label: Nullable(Type.String({ description: "The application's own role: USER, STREAMER …" })),
  state: ParticipantState,
  silencedUntil: Nullable(Time),
  joinedAt: Time,
  revision: Revision,
})
export type Participant = Static<typeof Participant>
