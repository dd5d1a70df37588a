/**
 * Which stretches of a chat have posting lists. The first `indexed` messages of a chat lie in segments of four sizes, the
 * largest first, as a number is written in digits: 20,000 messages are two segments of 8,192, one of 2,048, three of 512 and
 * none of 128; the last 32 have none, they are looked at. Four of a size become one of the next, made anew from the texts.
 */

export type Level = 0 | 1 | 2 | 3

export const TOP: Level = 3
const LEVELS: readonly Level[] = [3, 2, 1, 0]
/** A segment's messages, as a power of two. */
const BITS = [7, 9, 11, 13] as const
/** Its parts likewise: some 800 bytes each. */
export const PART_BITS = [5, 7, 9, 11] as const

export interface Segment { level: Level, number: number }

export function sizeOf (level: Level): number {
  return 1 << BITS[level]
}

/** From its first seq to before that of the next. */
export function rangeOf ({ level, number }: Segment): [first: number, end: number] {
  return [(number << BITS[level]) + 1, ((number + 1) << BITS[level]) + 1]
}

/** The next one to be made behind the first `indexed` messages of `lastSeq`: the largest that can be. */
export function nextSegment (indexed: number, lastSeq: number): Segment | undefined {
  const level = LEVELS.find(level => (((indexed >> BITS[level]) + 1) << BITS[level]) <= lastSeq)
  return level === undefined ? undefined : { level, number: indexed >> BITS[level] }
}

/** The one that a message lies in. */
export function segmentOf (seq: number, indexed: number): Segment | undefined {
  const level = LEVELS.find(level => ((((seq - 1) >> BITS[level]) + 1) << BITS[level]) <= indexed)
  return level === undefined ? undefined : { level, number: (seq - 1) >> BITS[level] }
}

/** Nothing below this has to be made where the first messages are gone. */
export function startOf (minSeq: number): number {
  return ((minSeq - 1) >> BITS[TOP]) << BITS[TOP]
}

/** Full blocks of the smallest size. */
export function blocksOf (seq: number): number {
  return seq >> BITS[0]
}
