/**
 * Filters: which pieces of words occur in a block of messages. A Bloom filter of all pieces of 1, 2, 3, 4, 6 and 8
 * characters of the folded words (of Han, kana and Hangul only up to 3: there are too many longer ones), and of each two words that stand
 * together, for phrases. So every part of a word of up to four characters is a key itself, and a longer one has several that
 * must all be there. (Without the long pieces, words that are made of common parts would be looked for in vain in many blocks.)
 */

export const BLOCK = 128
/** Blocks under one filter of level 1. */
export const BLOCKS_ABOVE = 32
export const PARTS = 8

const PIECES = [1, 2, 3, 4, 6, 8]
const LONGEST = 8
const IS_PIECE = Array.from({ length: LONGEST + 1 }, (_, length) => PIECES.includes(length))
const LONGEST_DENSE = 3
const SURROGATE = /[\ud800-\udfff]/
const DENSE = /[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\u{20000}-\u{3ffff}]/u

/** 3 bits a key out of 12: one key in a hundred is found that is not there. */
const BITS_A_KEY = 12
const MIN_BYTES = 32
/** A row must fit a page. */
const MAX_BYTES = 7_900
/** At 2 bits a key nearly half of what is looked for is found by mistake: better look at the texts at once. */
const MAX_KEYS = MAX_BYTES * 8 / 2

const FNV_START = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** The keys that a query can ask for at once: chat.search_scan looks at no more. */
const MAX_PROBES = 4

/** Of a key: its three bits (of 2³¹; a filter takes them modulo its size), and the part of level 1 that knows it. */
export interface Probe { bits: [number, number, number], part: number }

/** FNV-1a over UTF-16 units, and a finish that spreads it. */
function hashOf (text: string): number {
  let hash = FNV_START
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME)
  return spread(hash)
}

function spread (hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** The second hash comes from the first: 32 bits are plenty for some ten thousand keys. */
function probeOf (hash: number): Probe {
  const step = spread(hash + 0x9e3779b9) | 1
  return { bits: [hash & 0x7fffffff, (hash + step) & 0x7fffffff, (hash + Math.imul(2, step)) & 0x7fffffff], part: (step >>> 27) % PARTS }
}

/** Whose message it is and of what type, as keys: who searches for one sender's pictures finds the blocks with some. TEXT is everywhere. */
function traitsOf (senderId: string | null | undefined, types: readonly string[] | undefined): string[] {
  const kinds = !types || types.includes('TEXT') ? [] : types.length === 1 ? [`\u0002${types[0]}`] : ['\u0002media']
  return [...senderId == null ? [] : [`\u0001${senderId}`], ...kinds]
}

/** Without those that the filters leave out. */
function pieces (word: string, length: number): string[] {
  const characters = SURROGATE.test(word) ? Array.from(word) : word
  const found: string[] = []
  for (let end = length; end <= characters.length; end++) {
    const piece = typeof characters === 'string' ? characters.slice(end - length, end) : characters.slice(end - length, end).join('')
    if (length <= LONGEST_DENSE || !DENSE.test(piece)) found.push(piece)
  }
  return found
}

/** Gathers the keys of texts, as hashes. */
export class Keys {
  readonly #words = new Set<string>()
  readonly hashes = new Set<number>()

  add ({ keys: folded, senderId, type }: { keys: string | null, senderId: string | null, type: string }): void {
    const traits = [...traitsOf(senderId, [type]), ...type === 'TEXT' ? [] : traitsOf(null, [type, 'any'])]
    for (const trait of traits) this.hashes.add(hashOf(trait))
    if (folded === null) return
    if (this.hashes.size > MAX_KEYS * PARTS) return // it is full anyway
    let before = ''
    for (const word of folded.split(' ')) {
      if (!this.#words.has(word)) this.#addPieces(word)
      if (before && word) this.hashes.add(hashOf(`${before} ${word}`))
      before = word
    }
  }

  /** The hashes of `pieces`, of all lengths, without making the pieces: each hash goes on from that of the one before. */
  #addPieces (word: string): void {
    this.#words.add(word)
    for (let start = 0; start < word.length; start += unitsAt(word, start)) {
      let hash = FNV_START
      let isDense = false
      for (let end = start, length = 1; end < word.length && length <= LONGEST; length++) {
        const units = unitsAt(word, end)
        isDense ||= isDenseAt(word, end)
        if (isDense && length > LONGEST_DENSE) break
        hash = Math.imul(hash ^ word.charCodeAt(end), FNV_PRIME)
        if (units === 2) hash = Math.imul(hash ^ word.charCodeAt(end + 1), FNV_PRIME)
        if (IS_PIECE[length]) this.hashes.add(spread(hash))
        end += units
      }
    }
  }

  /** The filter of level 0; null: there is too much in it. */
  filter (): Buffer | null {
    return filterOf([...this.hashes].map(probeOf))
  }

  /** The filters of level 1, by part. */
  parts (): (Buffer | null)[] {
    const byPart = Map.groupBy([...this.hashes].map(probeOf), ({ part }) => part)
    return Array.from({ length: PARTS }, (_, part) => filterOf(byPart.get(part) ?? []))
  }
}

/** A character may be two UTF-16 units. */
function unitsAt (word: string, index: number): 1 | 2 {
  return (word.codePointAt(index) ?? 0) > 0xffff ? 2 : 1
}

function isDenseAt (word: string, index: number): boolean {
  const code = word.codePointAt(index) ?? 0
  return code >= 0x2e80 && DENSE.test(String.fromCodePoint(code))
}

function filterOf (probes: Probe[]): Buffer | null {
  if (probes.length > MAX_KEYS) return null
  const filter = Buffer.alloc(Math.min(MAX_BYTES, Math.max(MIN_BYTES, Math.ceil(probes.length * BITS_A_KEY / 8))))
  const size = filter.length * 8
  // The order of bits is get_bit's.
  for (const { bits } of probes) for (const bit of bits) filter[(bit % size) >> 3]! |= 1 << (bit % size & 7)
  return filter
}

/** Keys that every message with these terms has, the most telling first: pairs of a phrase, then the ends of the longest words. */
export function probesOf (terms: string[], senderId?: string, types?: readonly string[]): Probe[] {
  const words = [...new Set(terms.flatMap(term => term.split(' ')))].filter(Boolean).sort((a, b) => b.length - a.length)
  const keys = new Set(traitsOf(senderId, types))
  for (const pair of terms.flatMap(pairsOf)) if (keys.size < MAX_PROBES) keys.add(pair)
  for (const at of [0, -1]) {
    for (const word of words) {
      const key = longestPieces(word).at(at)
      if (key !== undefined && keys.size < MAX_PROBES) keys.add(key)
    }
  }
  for (const word of words) for (const key of longestPieces(word)) if (keys.size < MAX_PROBES) keys.add(key)
  return [...keys].map(key => probeOf(hashOf(key)))
}

/** Of a phrase: a word at its beginning or end may be a part of one, unless there is a space around it. */
function pairsOf (term: string): string[] {
  const words = term.split(' ')
  return words.slice(1).flatMap((word, index) => {
    const isWhole = index > 0 && index + 2 < words.length
    return isWhole && word ? [`${words[index]} ${word}`] : []
  })
}

function longestPieces (word: string): string[] {
  return PIECES.map(length => pieces(word, length)).findLast(found => found.length > 0) ?? []
}
