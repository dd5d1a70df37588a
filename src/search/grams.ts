/**
 * What a text is found by: all pieces of one to four characters of its folded words (of Chinese, Japanese and Korean ones one to three), each two words that stand
 * together (for phrases), its sender and its type. As hashes: who has the same hash by chance is looked at and rejected.
 */

const LONGEST = 4
/** Where a character tells as much as several letters. */
const LONGEST_DENSE = 3
const SURROGATE = /[\ud800-\udfff]/

/** So many of a query's keys are asked for. Those of one long word leave few messages that do not have it. */
const MAX_PROBES = 4

const FNV_START = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** FNV-1a over UTF-16 units, and a finish that spreads it over 32 bits. */
function hashOf (text: string): number {
  let hash = FNV_START
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME)
  return spread(hash)
}

function spread (hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** There are too many different ones for a list each: those that share one are told apart by their words. */
const PAIRS = 2_048
const pairKey = (before: string, word: string) => `\u0003${hashOf(`${before} ${word}`) % PAIRS}`
const senderKey = (senderId: string) => `\u0001${senderId}`
const typeKey = (type: string) => `\u0002${type}`
/** Nearly all messages are TEXT: who looks for others looks for these. */
const MEDIA = '\u0002media'

export interface Searchable { keys: string, senderId: string | null, type: string }

/** Calls `add` with each key of a message, with some more than once. */
export function forEachKey ({ keys: folded, senderId, type }: Searchable, add: (hash: number) => void): void {
  if (senderId !== null) add(hashOf(senderKey(senderId)))
  if (type !== 'TEXT') for (const key of [typeKey(type), MEDIA]) add(hashOf(key))
  let before = ''
  for (const word of folded.split(' ')) {
    if (!word) continue
    addPieces(word, add)
    if (before) add(hashOf(pairKey(before, word)))
    before = word
  }
}

/** The hashes of the pieces, without making the pieces: each hash goes on from that of the one before. */
function addPieces (word: string, add: (hash: number) => void): void {
  for (let start = 0; start < word.length; start += unitsAt(word, start)) {
    let hash = FNV_START
    const longest = longestAt(word.charCodeAt(start))
    for (let end = start, length = 1; end < word.length && length <= longest; length++) {
      const units = unitsAt(word, end)
      for (let unit = 0; unit < units; unit++) hash = Math.imul(hash ^ word.charCodeAt(end + unit), FNV_PRIME)
      add(spread(hash))
      end += units
    }
  }
}

/** A character may be two UTF-16 units. */
function unitsAt (word: string, index: number): 1 | 2 {
  return (word.codePointAt(index) ?? 0) > 0xffff ? 2 : 1
}

/** Of a piece that begins with this UTF-16 unit: Han, kana and Hangul are dense, and so may be what is beyond the basic plane. */
function longestAt (unit: number): number {
  return unit >= 0x2e80 && unit <= 0xdfff ? LONGEST_DENSE : LONGEST
}

/** Keys that every hit must have: of phrases the pairs, of words the pieces, by turns and first those at the ends. */
export function probesOf (terms: string[], senderId?: string, types?: readonly string[]): number[] {
  const keys = new Set<string>()
  if (senderId !== undefined) keys.add(senderKey(senderId))
  if (types && !types.includes('TEXT')) keys.add(types.length === 1 ? typeKey(`${types[0]}`) : MEDIA)
  for (const pair of terms.flatMap(pairsOf)) keys.add(pair)
  const pieces = [...new Set(terms.flatMap(term => term.split(' ')))].filter(Boolean).map(piecesOf)
  for (let turn = 0; keys.size < MAX_PROBES && pieces.some(({ length }) => length > turn); turn++) {
    for (const piece of pieces.flatMap(inTurn => inTurn[turn] ?? [])) keys.add(piece)
  }
  return Array.from(keys).slice(0, MAX_PROBES).map(hashOf)
}

/** Of a phrase: a word at its beginning or end may be a part of one, unless there is a space around it. */
function pairsOf (term: string): string[] {
  const words = term.split(' ')
  return words.slice(1).flatMap((word, index) => {
    const isWhole = index > 0 && index + 2 < words.length
    return isWhole && word ? [pairKey(`${words[index]}`, word)] : []
  })
}

/** The longest pieces, first those that tell most together: the ends, then those that do not overlap. */
function piecesOf (word: string): string[] {
  const characters = SURROGATE.test(word) ? Array.from(word) : [...word]
  const length = Math.min(longestAt(word.charCodeAt(0)), characters.length)
  const last = characters.length - length
  const order = (start: number) => start === 0 ? 0 : start === last ? 1 : start % length === 0 ? 2 : 3
  return Array.from({ length: last + 1 }, (_, start) => start)
    .sort((a, b) => order(a) - order(b) || a - b)
    .map(start => characters.slice(start, start + Math.min(length, longestAt(characters[start]!.charCodeAt(0)))).join(''))
}
