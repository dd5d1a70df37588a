/**
 * Posting lists: for each key, which messages of a segment have it. Kept in parts by the first bits of the key's hash, so
 * that little is read for a key. A part is a text of printable ASCII characters, since text is what comes out of PostgreSQL as
 * it lies there (bytes are turned into hexadecimal digits and back, which takes longer than to find them). Of each key, sorted
 * by 12 further bits of its hash:
 *
 *     2 digits   these bits
 *     number     how many characters follow, times 2; plus 1 for a bitmap
 *     list       the gaps between the messages, as numbers; or a bit a message, six in a digit, where that is shorter
 *
 * A digit is a character from the space on: 64 of them. A number is a digit, behind as many of the other 31 characters as its
 * size asks for, the least first.
 */
import { PART_BITS, sizeOf, type Level } from './segments.ts'

/** Which of a segment's messages: bit n is its message n. */
export type Bitmap = Uint32Array

const FIRST_DIGIT = 32
const DIGITS = 64
const DIGIT_BITS = 6
const FIRST_OTHER = FIRST_DIGIT + DIGITS
const OTHERS = 31

export function partOf (hash: number, level: Level): number {
  return hash >>> (32 - PART_BITS[level])
}

const wordOf = (hash: number) => hash & 0xfff

export class Postings {
  readonly #level: Level
  readonly #lists = new Map<number, number[]>()

  constructor (level: Level) {
    this.#level = level
  }

  /** In the order of the messages. A key may come more than once for a message. */
  add (offset: number, hash: number): void {
    const list = this.#lists.get(hash)
    if (!list) this.#lists.set(hash, [offset])
    else if (list.at(-1) !== offset) list.push(offset)
  }

  /** Those without a key are left out. */
  * parts (): Generator<{ part: number, postings: string }> {
    const byPart = Map.groupBy(this.#lists, ([hash]) => partOf(hash, this.#level))
    for (const [part, lists] of byPart) {
      lists.sort(([a], [b]) => wordOf(a) - wordOf(b))
      yield { part, postings: lists.map(([hash, offsets]) => encode(wordOf(hash), offsets, sizeOf(this.#level))).join('') }
    }
  }
}

function encode (word: number, offsets: number[], size: number): string {
  const gaps = offsets.map((offset, index) => number(offset - (offsets[index - 1] ?? -1) - 1)).join('')
  const isBitmap = gaps.length > size / DIGIT_BITS
  const list = isBitmap ? bits(offsets, size) : gaps
  return digit(word >> DIGIT_BITS) + digit(word & DIGITS - 1) + number(list.length << 1 | Number(isBitmap)) + list
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

/** The messages that have all keys; undefined: none has. `parts`, by number: those in which the keys would be. */
export function intersect (level: Level, hashes: number[], parts: Map<number, string>): Bitmap | undefined {
  const cursors = hashes.map(hash => new Cursor(parts.get(partOf(hash, level)) ?? '', wordOf(hash)))
  if (cursors.length === 0 || cursors.some(({ isFound }) => !isFound)) return undefined
  const [common, ...others] = cursors.map(cursor => cursor.decode(sizeOf(level)))
  for (const other of others) for (let at = 0; at < common!.length; at++) common![at]! &= other[at]!
  return common
}

/** Goes through a part, from number to number. */
class Cursor {
  readonly #part: string
  readonly #word: number
  #at: number

  /** At the first list of a key with these bits. There may be more, of different keys. */
  constructor (part: string, word: number) {
    this.#part = part
    this.#word = word
    this.#at = 0
    while (this.#at < part.length && this.#wordHere() < word) this.#at = this.#header().end
  }

  get isFound (): boolean {
    return this.#at < this.#part.length && this.#wordHere() === this.#word
  }

  decode (size: number): Bitmap {
    const bitmap = new Uint32Array(size / 32)
    while (this.isFound) {
      const { isBitmap, end } = this.#header()
      if (isBitmap) this.#addBits(bitmap, end)
      else this.#addGaps(bitmap, end)
    }
    return bitmap
  }

  #wordHere (): number {
    return this.#digit(this.#at) << DIGIT_BITS | this.#digit(this.#at + 1)
  }

  #header (): { isBitmap: boolean, end: number } {
    this.#at += 2
    const header = this.#number()
    return { isBitmap: (header & 1) === 1, end: this.#at + (header >> 1) }
  }

  #digit (at: number): number {
    return this.#part.charCodeAt(at) - FIRST_DIGIT
  }

  #number (): number {
    let value = 0
    for (let unit = 1; ; unit *= OTHERS) {
      const code = this.#part.charCodeAt(this.#at++)
      if (code < FIRST_OTHER) return value + (code - FIRST_DIGIT) * unit
      value += (code - FIRST_OTHER) * unit
    }
  }

  #addBits (bitmap: Bitmap, end: number): void {
    for (let offset = 0; this.#at < end; this.#at++, offset += DIGIT_BITS) {
      const digit = this.#digit(this.#at)
      bitmap[offset >> 5]! |= digit << (offset & 31)
      if ((offset & 31) > 32 - DIGIT_BITS) bitmap[(offset >> 5) + 1]! |= digit >> (32 - (offset & 31))
    }
  }

  #addGaps (bitmap: Bitmap, end: number): void {
    for (let offset = -1; this.#at < end;) {
      offset += this.#number() + 1
      bitmap[offset >> 5]! |= 1 << (offset & 31)
    }
  }
}
