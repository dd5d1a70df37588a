// Texts like those of a chat, from a seed: words of a vocabulary in Zipf's proportions, in several scripts.

/** mulberry32: the same numbers from the same seed. */
export function randomFrom (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const LATIN_ONSETS = ['', 'b', 'c', 'd', 'f', 'g', 'h', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'w', 'st', 'tr', 'pr', 'ch', 'sh', 'th', 'br', 'pl']
const LATIN_RHYMES = ['a', 'e', 'i', 'o', 'u', 'an', 'en', 'in', 'on', 'er', 'ar', 'or', 'al', 'el', 'at', 'et', 'it', 'es', 'as', 'ing', 'ion', 'é', 'ou', 'ea']
const ARABIC_ROOTS = [...'كتبدرسعلمقرأفهمجلسحملنظرسألشكرطلبعملفتح']
const ARABIC_FORMS = ['', 'ال', 'و', 'ب', 'م', 'ي', 'ت']
const ARABIC_ENDS = ['', 'ة', 'ون', 'ات', 'ها', 'نا', 'ين']

export type Script = 'latin' | 'cjk' | 'arabic'

export interface Vocabulary { script: Script, words: string[] }

const VOCABULARY = 40_000
/** Han characters in use; the commonest of them make most of a text. */
const HAN_FROM = 0x4e00
const HAN = 3_000

export class Corpus {
  readonly random: () => number
  readonly #words: Record<Script, string[]>

  constructor (seed: number) {
    this.random = randomFrom(seed)
    this.#words = {
      latin: this.#vocabulary(() => Array.from({ length: 1 + Math.floor(this.random() * 3.2) }, () => this.pick(LATIN_ONSETS) + this.pick(LATIN_RHYMES)).join('')),
      cjk: this.#vocabulary(() => Array.from({ length: 1 + Math.floor(this.random() * 2.5) }, () => String.fromCodePoint(HAN_FROM + Math.floor(HAN * this.random() ** 2))).join('')),
      arabic: this.#vocabulary(() => this.pick(ARABIC_FORMS) + this.pick(ARABIC_ROOTS) + this.pick(ARABIC_ROOTS) + this.pick(['', 'ا', 'ي', 'و']) + this.pick(ARABIC_ROOTS) + this.pick(ARABIC_ENDS)),
    }
  }

  pick<Item> (items: readonly Item[]): Item {
    return items[Math.floor(this.random() * items.length)] as Item
  }

  /** The word of this rank: 0 is the commonest. */
  word (script: Script, rank: number): string {
    const words = this.#words[script]
    return words[Math.min(rank, words.length - 1)] as string
  }

  size (script: Script): number {
    return this.#words[script].length
  }

  /** A message of 2 to 24 words: most in Latin letters, one in eight Chinese, one in eight Arabic. */
  text (): string {
    const chance = this.random()
    const script = chance < 0.125 ? 'cjk' : chance < 0.25 ? 'arabic' : 'latin'
    const words = Array.from({ length: 2 + Math.floor(22 * this.random() ** 2) }, () => this.word(script, this.#rank(script)))
    return words.join(script === 'cjk' ? '' : ' ')
  }

  /** By Zipf's law, near enough: the density of ranks falls as 1/rank. */
  #rank (script: Script): number {
    return Math.floor(Math.exp(this.random() * Math.log(this.size(script))) - 1)
  }

  #vocabulary (make: () => string): string[] {
    const words = new Set<string>()
    for (let tries = 0; words.size < VOCABULARY && tries < VOCABULARY * 4; tries++) words.add(make())
    return [...words]
  }
}
