/**
 * Posting lists: for each key, which messages of a segment have it. A row is a part of them, by the first bits of the key's hash; it
 * has 16 drawers, by further bits, so that PostgreSQL goes through little to cut a list out of it (chat.search_candidates). A drawer is
 * printable ASCII, which comes out of PostgreSQL as it lies there. Of each key:
 *
 *     DEL        here begins a list
 *     2 digits   the last 12 bits of its hash: its word, the first 4 of which are the drawer. Keys that share part and word share a list
 *     1 digit    1 for a bitmap, 0 for gaps
 *     list       the gaps between the messages, as numbers; or a bit a message, six in a digit, where that is shorter
 *
 * A digit is a character from the space on: 64 of them. A number is a digit, behind as many of the other 31 characters as its
 * size asks for, the least first.
 */
import { PART_BITS, sizeOf, TOP, type Level } from './segments.ts'

/** Which of a segment's messages: bit n is its message n. */
export type Bitmap = Uint32Array

const FIRST_DIGIT = 32
const DIGITS = 64
const DIGIT_BITS = 6
const FIRST_OTHER = FIRST_DIGIT + DIGITS
const OTHERS = 31
const WORD_BITS = 12
const WORD_MASK = (1 << WORD_BITS) - 1
const DRAWER_BITS = 4
/** For one list at a time: thousands are decoded for a search. */
const scratch = new Uint32Array(sizeOf(TOP) / 32)

/** Where the list of a key begins and ends. */
export const DELIMITER = '\x7f'

export function partOf (hash: number, level: Level): number {
  return hash >>> (32 - PART_BITS[level])
}

/** From 1, as PostgreSQL counts. */
export function drawerOf (hash: number): number {
  return ((hash & WORD_MASK) >> WORD_BITS - DRAWER_BITS) + 1
}

/** How the list of a key begins. */
export function wordOf (hash: number): string {
  return DELIMITER + digit(hash >> DIGIT_BITS & DIGITS - 1) + digit(hash & DIGITS - 1)
}

export class Postings {
  readonly #level: Level
  readonly #size: number
  /** By part, then by word. */
  readonly #lists = new Map<number, Map<number, number[]>>()

  constructor (level: Level) {
    this.#level = level
    this.#size = sizeOf(level)
  }

  /** In the order of the messages. A key may come more than once for a message. */
  add (offset: number, hash: number): void {
    const [part, word] = [partOf(hash, this.#level), hash & WORD_MASK]
    let words = this.#lists.get(part)
    if (!words) this.#lists.set(part, words = new Map())
    const list = words.get(word)
    if (!list) words.set(word, [offset])
    else if (list.at(-1) !== offset) list.push(offset)
  }

  /** Those without a key are left out. Drawers stand one behind the other, a line each. */
  * parts (): Generator<{ part: number, postings: string }> {
    for (const [part, words] of this.#lists) {
      const drawers = new Array<string>(1 << DRAWER_BITS).fill('')
      for (const [word, offsets] of words) drawers[drawerOf(word) - 1] += wordOf(word) + encode(offsets, this.#size)
      yield { part, postings: drawers.join('\n') }
    }
  }
}

function encode (offsets: number[], size: number): string {
  const gaps = offsets.map((offset, index) => number(offset - (offsets[index - 1] ?? -1) - 1)).join('')
  return gaps.length > size / DIGIT_BITS ? digit(1) + bits(offsets, size) : digit(0) + gaps
}

function digit (value: number): string {
  return String.fromCharCode(FIRST_DIGIT + value)
}

function number (value: number): string {
  return value < DIGITS ? digit(value) : String.fromCharCode(FIRST_OTHER + value % OTHERS) + number(Math.floor(value / OTHERS))
}

function bits (offsets: number[], size: number): string {
  const digits = new Array<number>(Math.ceil(size / DIGIT_BITS)).fill(0)
  for (const offset of offsets) digits[Math.floor(offset / DIGIT_BITS)]! |= 1 << offset % DIGIT_BITS
  return digits.map(digit).join('')
}

/** The messages that are in all of the lists. */
export function intersect ([first, ...others]: string[], size: number): Bitmap {
  const common = new Uint32Array(size / 32)
  decode(first ?? '', common)
  for (const list of others) {
    const other = scratch.subarray(0, common.length)
    decode(list, other.fill(0))
    for (let at = 0; at < common.length; at++) common[at]! &= other[at]!
  }
  return common
}

/** Adds a list to a bitmap. */
function decode (list: string, bitmap: Bitmap): void {
  if (digitAt(list, 0) === 1) addBits(bitmap, list)
  else addGaps(bitmap, list)
}

function digitAt (list: string, at: number): number {
  return list.charCodeAt(at) - FIRST_DIGIT
}

function addBits (bitmap: Bitmap, list: string): void {
  for (let at = 1, offset = 0; at < list.length; at++, offset += DIGIT_BITS) {
    const bits = digitAt(list, at)
    bitmap[offset >> 5]! |= bits << (offset & 31)
    if ((offset & 31) > 32 - DIGIT_BITS) bitmap[(offset >> 5) + 1]! |= bits >> (32 - (offset & 31))
  }
}

function addGaps (bitmap: Bitmap, list: string): void {
  let offset = -1
  for (let at = 1, gap = 0, unit = 1; at < list.length; at++) {
    const code = list.charCodeAt(at)
    if (code >= FIRST_OTHER) {
      gap += (code - FIRST_OTHER) * unit
      unit *= OTHERS
      continue
    }
    offset += gap + (code - FIRST_DIGIT) * unit + 1
    bitmap[offset >> 5]! |= 1 << (offset & 31)
    gap = 0
    unit = 1
  }
}
