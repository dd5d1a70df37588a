import { Type, type Static } from 'typebox'
import { Dictionary, Nullable, UserId } from '../primitives.ts'

export const User = Type.Object({
  id: UserId,
  displayName: Nullable(Type.String()),
  avatarUrl: Nullable(Type.String()),
})
export type User = Static<typeof User>

export const Users = Dictionary(User, { description: 'The people whom the reply names, by id' })
