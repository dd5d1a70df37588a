import { Type, type Static } from 'typebox'
import { Dictionary, Input, Metadata, Nullable, UserId } from '../primitives.ts'

export const User = Type.Object({
  id: UserId,
  displayName: Nullable(Type.String()),
  avatarUrl: Nullable(Type.String()),
})
export type User = Static<typeof User>

export const Users = Dictionary(User, { description: 'The people whom the reply names, by id' })

export const UserSettings = Type.Object({
  requests: Type.Enum(['ASK', 'ACCEPT'], { description: 'Whether somebody who does not know me has to ask before we talk (where CHAT_REQUESTS is on)' }),
  groupInvites: Type.Enum(['ACCEPT', 'ASK'], { description: 'ASK: who adds me to a chat invites me' }),
  privateReading: Type.Boolean({ description: 'I read without telling' }),
  hideLastSeen: Type.Boolean(),
})
export type UserSettings = Static<typeof UserSettings>

/** Me, as I alone see myself. */
export const Me = Type.Object({ ...User.properties, metadata: Metadata, settings: UserSettings })
export type Me = Static<typeof Me>

/** What is not given stays as it is. Name and picture belong to the application where its tokens say them. */
export const UpdateMe = Type.Object({
  displayName: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 256 }))),
  avatarUrl: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 2048 }))),
  settings: Type.Optional(Type.Partial(UserSettings, { additionalProperties: false })),
}, { additionalProperties: false, minProperties: 1 })
export type UpdateMe = Static<typeof UpdateMe>

export const commands = {
  get_me: { data: Input({}), reply: 'ok', result: Me, errors: [] },
  update_me: { data: UpdateMe, reply: 'ok', result: Me, errors: [] },
} as const

export const events = {
  user_updated: Type.Object({ user: User }),
} as const
