import { ApiError } from '../errors.ts'
import type { Role } from './schemas.ts'

const RANKS: Role[] = ['OWNER', 'ADMIN', 'MODERATOR', 'MEMBER']

export const atLeast = (role: Role, needed: Role): boolean => RANKS.indexOf(role) <= RANKS.indexOf(needed)
export const isAbove = (role: Role, other: Role): boolean => RANKS.indexOf(role) < RANKS.indexOf(other)

/** @throws {ApiError} ROLE_REQUIRED */
export function requireRole (role: Role, needed: Role): void {
  if (!atLeast(role, needed)) throw new ApiError('ROLE_REQUIRED')
}
