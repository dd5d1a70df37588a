/**
 * What is searched is not the text as it was written but its folded form, and a query is folded alike: small letters, no
 * accents, one space between words, no punctuation. It is made here and not in PostgreSQL, because the database may be the
 * host application's and have the C locale, which knows no letters outside ASCII.
 *
 * - Accents go, in Latin, Greek and Cyrillic (but й stays й), as do the vowel points of Arabic and Hebrew and the nukta of
 *   Devanagari; Arabic letters that people write one for the other become one. Vowel signs of Indian scripts, dakuten and
 *   syllables of Hangul are letters of their own: they stay.
 * - Compatibility forms (full width, ligatures, circled) become plain ones, digits of any script 0 to 9.
 * - Apostrophes vanish (don't = dont), all other punctuation is a space. Symbols stay, emoji among them.
 *
 * The text is folded cluster by cluster (a character and the marks on it), each on its own, so that a match can be led
 * back to where it stands in the original.
 */

/** A character and the marks on it; the voicing marks of half-width katakana are marks, though Unicode calls them letters. */
const CLUSTER = /\P{M}[\p{M}\uff9e\uff9f]*|\p{M}+/gu
const ASCII = /^[\0-\x7f]*$/
/** What ASCII has besides letters, digits and symbols: the symbols are $ + < = > ^ ` | ~. */
const ASCII_SEPARATORS = /[\0- !"#%&()*,\-./:;?@[\\\]_{}\x7f]+/g

const APOSTROPHE = /^['’‘ʼ＇`´]$/u
const SEPARATOR = /[\p{P}\p{Z}\p{C}]/u
/** Joiners, soft hyphens, marks of direction. But a zero-width non-joiner stands where others write a space. */
const INVISIBLE = /(?!\u200c)\p{Cf}/u
/** й is no и with an ornament. */
const ACCENT_RANGES = [
  '\\u0300-\\u036f', '\\u1ab0-\\u1aff', '\\u1dc0-\\u1dff', '\\u20d0-\\u20ff', '\\ufe00-\\ufe2f', // of Latin, Greek and Cyrillic; variation selectors
  '\\u0591-\\u05bd', '\\u05bf', '\\u05c1', '\\u05c2', '\\u05c4', '\\u05c5', '\\u05c7', // Hebrew points
  '\\u064b-\\u065f', '\\u0670', '\\u06d6-\\u06dc', '\\u06df-\\u06e8', '\\u06ea-\\u06ed', '\\u0640', // Arabic vowels, hamza as a mark, tatweel
  '\\u093c', // nukta
]
const ACCENTS = new RegExp(`(?<!и(?=\\u0306))(?:${ACCENT_RANGES.map(range => `[${range}]`).join('|')})`, 'gu')
const LETTERS: Record<string, string> = {
  ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', þ: 'th', ł: 'l', ħ: 'h', ı: 'i', ŋ: 'n', ς: 'σ', ى: 'ي', ی: 'ي', ې: 'ي', ة: 'ه', ۀ: 'ه', ہ: 'ه', ک: 'ك', ٱ: 'ا',
}
const DIGIT = /\p{Nd}/u

/** Clusters come back again and again. Emptied when it is full: a text of rare ones must not keep memory. */
const MAX_CLUSTERS = 20_000
const clusters = new Map<string, string>()

function foldCluster (cluster: string): string {
  const known = clusters.get(cluster)
  if (known !== undefined) return known
  const folded = APOSTROPHE.test(cluster) ? '' : fold1(cluster)
  if (clusters.size >= MAX_CLUSTERS) clusters.clear()
  if (cluster.length <= 8) clusters.set(cluster, folded)
  return folded
}

function fold1 (cluster: string): string {
  const plain = cluster.normalize('NFKD').toLowerCase().replace(ACCENTS, '').normalize('NFC')
  let folded = ''
  for (const character of plain) {
    if (INVISIBLE.test(character)) continue
    folded += LETTERS[character] ?? (DIGIT.test(character) ? String(digit(character)) : SEPARATOR.test(character) ? ' ' : character)
  }
  return folded
}

/** The decimal digits of each script stand together, from its 0 on. */
function digit (character: string): number {
  const code = character.codePointAt(0) ?? 0
  let zero = code
  while (code - zero < 9 && DIGIT.test(String.fromCodePoint(zero - 1))) zero--
  return code - zero
}

/** The folded text: words with one space between them, one before the first and one after the last. */
export function fold (text: string): string {
  if (ASCII.test(text)) return ` ${text.toLowerCase().replace(/['`]/g, '')} `.replace(ASCII_SEPARATORS, ' ')
  let folded = ' '
  for (const cluster of text.match(CLUSTER) ?? []) folded = append(folded, foldCluster(cluster))
  return folded.endsWith(' ') ? folded : `${folded} `
}

/** With one space where there would be several. */
function append (text: string, more: string): string {
  if (more === ' ' && text.endsWith(' ')) return text
  if (!more.includes(' ') || more === ' ') return text + more
  let joined = text
  for (const character of more) if (character !== ' ' || !joined.endsWith(' ')) joined += character
  return joined
}

export interface FoldedText {
  folded: string
  /** For each UTF-16 unit of `folded`: where the cluster that it comes from begins, and ends, in the original. */
  from: number[]
  to: number[]
}

/** The same, and where everything came from. */
export function foldWithOrigin (text: string): FoldedText {
  let folded = ' '
  const [from, to] = [[0], [0]]
  for (const match of text.matchAll(CLUSTER)) {
    const before = folded.length
    folded = append(folded, foldCluster(match[0]))
    for (let index = before; index < folded.length; index++) {
      from.push(match.index)
      to.push(match.index + match[0].length)
    }
  }
  if (!folded.endsWith(' ')) {
    folded += ' '
    from.push(text.length)
    to.push(text.length)
  }
  return { folded, from, to }
}
