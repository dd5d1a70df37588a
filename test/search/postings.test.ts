// Lists and segments by themselves, against sets and counting.
import t from 'tap'
import { DELIMITER, drawerOf, intersect, partOf, Postings, wordOf } from '../../src/search/postings.ts'
import { nextSegment, rangeOf, segmentOf, sizeOf, type Segment } from '../../src/search/segments.ts'
import { randomFrom } from '../bench/corpus.ts'

const SEED = Number(process.env.TEST_SEED ?? 1)
const random = randomFrom(SEED)
t.comment(`TEST_SEED=${SEED}`)
const LEVELS = [0, 1, 2, 3] as const

t.test('what was added is found, alone and together', async t => {
  for (const level of LEVELS) {
    const size = sizeOf(level)
    const wanted = new Map<number, Set<number>>()
    const postings = new Postings(level)
    const hashes = Array.from({ length: 300 }, () => Math.floor(random() * 2 ** 32))
    const share = new Map(hashes.map(hash => [hash, random() ** 4]))
    for (let offset = 0; offset < size; offset++) {
      for (const hash of hashes.filter(hash => random() < share.get(hash)!)) {
        postings.add(offset, hash)
        postings.add(offset, hash)
        wanted.set(hash, (wanted.get(hash) ?? new Set()).add(offset))
      }
    }
    const parts = new Map([...postings.parts()].map(({ part, postings }) => [part, postings]))
    /** As chat.search_candidates cuts it out. */
    const listOf = (hash: number) => parts.get(partOf(hash, level))?.split('\n')[drawerOf(hash) - 1]?.split(wordOf(hash))[1]?.split(DELIMITER)[0]
    const find = (...asked: number[]) => {
      const lists = asked.map(listOf)
      const found = lists.every(list => list !== undefined) ? intersect(lists, size) : undefined
      return found && Array.from({ length: size }, (_, offset) => offset).filter(offset => found[offset >> 5]! >>> (offset & 31) & 1)
    }
    for (const hash of hashes) t.strictSame(find(hash) ?? [], [...wanted.get(hash) ?? []])
    for (let pair = 0; pair + 1 < hashes.length; pair += 2) {
      const [a, b] = [wanted.get(hashes[pair]!) ?? new Set(), wanted.get(hashes[pair + 1]!) ?? new Set()]
      t.strictSame(find(hashes[pair]!, hashes[pair + 1]!) ?? [], [...a].filter(offset => b.has(offset)))
    }
    t.equal(find(0x12345678), undefined)
  }
})

t.test('segments follow on one another, whenever somebody makes them', async t => {
  const segments = new Set<Segment>()
  let indexed = 0
  for (let lastSeq = 0; lastSeq < 60_000; lastSeq += Math.floor(random() * (random() < 0.1 ? 12_000 : 700))) {
    for (let next = nextSegment(indexed, lastSeq); next; next = nextSegment(indexed, lastSeq)) {
      const [first, end] = rangeOf(next)
      for (const segment of segments) {
        const [from, to] = rangeOf(segment)
        if (from >= first && to <= end) segments.delete(segment)
        else if (from < end && to > first) t.fail('a segment is cut in two')
      }
      segments.add(next)
      indexed = end - 1
    }
    t.ok(lastSeq - indexed < sizeOf(0), `${lastSeq}: only the last few are left`)
    const ranges = [...segments].map(rangeOf).sort(([a], [b]) => a - b)
    t.strictSame(ranges.map(([first]) => first), [1, ...ranges.map(([, end]) => end)].slice(0, -1), 'no gap')
    for (const segment of segments) for (const seq of [rangeOf(segment)[0], rangeOf(segment)[1] - 1]) t.strictSame(segmentOf(seq, indexed), segment)
    t.equal(segmentOf(indexed + 1, indexed), undefined)
  }
})

t.end()
