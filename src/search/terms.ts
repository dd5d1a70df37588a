import { fold } from './text.ts'

const PHRASE = /["“”„«»＂]([^"“”„«»＂]*)["“”„«»＂]/g
/** Scripts whose words have no spaces between them (or, as in Korean, endings after them): a phrase may begin and end anywhere. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}ー]/u

/**
 * Words, each of which may be a part of one; and phrases in quotes, whose words stand together and are whole. Nothing is
 * left of a query that is only punctuation.
 */
export function parseQuery (query: string): string[] {
  const terms = new Set<string>()
  const rest = query.replace(PHRASE, (_, phrase: string) => {
    const folded = fold(phrase).trim()
    if (folded) terms.add(whole(folded))
    return ' '
  })
  for (const word of fold(rest).trim().split(' ')) if (word) terms.add(word)
  return [...terms].filter(term => ![...terms].some(other => other !== term && other.includes(term)))
}

function whole (phrase: string): string {
  const characters = Array.from(phrase)
  return `${UNSPACED.test(characters[0] ?? '') ? '' : ' '}${phrase}${UNSPACED.test(characters.at(-1) ?? '') ? '' : ' '}`
}
