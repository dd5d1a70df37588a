import { ApiError } from '../errors.ts'
import type { Admin } from '../plugins/admin.ts'
import type { Role } from './schemas.ts'

/** Who changes something of a chat: one of its members, by their role in it, or an administrator, who need not be in it. */
export type Actor = string | Admin

/** Whom a change names as its doer; null: the application's server. */
export const idOf = (actor: Actor): string | null => typeof actor === 'string' ? actor : actor.userId

const RANKS: Role[] = ['OWNER', 'ADMIN', 'MODERATOR', 'MEMBER']

export const atLeast = (role: Role, needed: Role): boolean => RANKS.indexOf(role) <= RANKS.indexOf(needed)
export const isAbove = (role: Role, other: Role): boolean => RANKS.indexOf(role) < RANKS.indexOf(other)

/** @throws {ApiError} ROLE_REQUIRED */
export function requireRole (role: Role, needed: Role): void {
  if (!atLeast(role, needed)) throw new ApiError('ROLE_REQUIRED')
}
