import { ApiError } from '../errors.ts'

export const MAX_SEQ = 2_147_483_647

/** Which part of a list by seq is asked for. */
export interface PageQuery { before?: number, after?: number, around?: number, limit?: number }

export interface PageRange { before: number, olderLimit: number, after: number, newerLimit: number }

/** @throws {ApiError} VALIDATION_FAILED if they contradict each other */
export function rangeOf ({ before, after, around, limit = 50 }: PageQuery): PageRange {
  if ([before, after, around].filter(bound => bound !== undefined).length > 1) throw new ApiError('VALIDATION_FAILED', 'Only one of before, after and around can be given')
  if (after !== undefined) return { before: 0, olderLimit: 0, after, newerLimit: limit }
  if (around === undefined) return { before: before ?? MAX_SEQ, olderLimit: limit, after: MAX_SEQ, newerLimit: 0 }
  const olderLimit = Math.ceil(limit / 2)
  return { before: Math.min(around, MAX_SEQ - 1) + 1, olderLimit, after: around, newerLimit: limit - olderLimit }
}

/** The rows of a page, and what lies beyond it. */
export interface PageEnds { firstSeq: number, lastSeq: number, older: boolean, newer: boolean }

/** Where the list goes on in the direction in which it was asked for. */
export function nextCursorOf ({ after }: PageQuery, { firstSeq, lastSeq, older, newer }: PageEnds): string | null {
  const next = after === undefined ? older && firstSeq : newer && lastSeq
  return next ? String(next) : null
}
