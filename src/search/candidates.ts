import { DELIMITER, intersect } from './postings.ts'
import type { CandidateRow } from './queries.ts'
import { rangeOf, sizeOf } from './segments.ts'

const WORD = 32

/**
 * The seqs (low <= seq < below) of a stretch that may be hits, newest first. Segments are decoded one after the other, when somebody
 * asks for more: of a common word the newest is enough.
 */
export function * candidatesOf (rows: CandidateRow[], { low, below }: { low: number, below: number }): Generator<number, undefined> {
  const seqs = rows.flatMap(({ level, lists }) => level === null ? lists.split(',').map(Number) : []).sort((a, b) => b - a)
  const segments = rows.flatMap(row => row.level === null ? [] : { ...row, range: rangeOf(row) }).sort((a, b) => b.range[0] - a.range[0])
  let next = 0
  for (const { range: [first, end], level, lists } of segments) {
    for (; seqs[next]! >= end; next++) yield seqs[next]!
    const bitmap = intersect(lists.split(DELIMITER), sizeOf(level))
    for (; seqs[next]! >= first; next++) bitmap[(seqs[next]! - first) >> 5]! |= 1 << (seqs[next]! - first & 31)
    for (let index = bitmap.length - 1; index >= 0; index--) {
      for (let bits = bitmap[index]!; bits !== 0;) {
        const bit = WORD - 1 - Math.clz32(bits)
        bits = (bits ^ 1 << bit) >>> 0
        const seq = first + index * WORD + bit
        if (seq >= low && seq < below) yield seq
      }
    }
  }
  for (; next < seqs.length; next++) yield seqs[next]!
}
