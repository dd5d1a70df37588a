import { foldWithOrigin } from './text.ts'

export interface SnippetPart { text: string, match: boolean }

/** A longer text is cut to about this many UTF-16 units, with the first match near its beginning. */
const LONGEST = 240
const BEFORE = 60

/**
 * Where the terms stand in a text, word for word as it was written: put together, the parts are the text or a stretch of it.
 * undefined: they are not all in it (any more).
 */
export function snippetOf (content: string, terms: string[]): SnippetPart[] | undefined {
  const { folded, from, to } = foldWithOrigin(content)
  const matches: [start: number, end: number][] = []
  for (const term of terms) {
    const places = placesOf(folded, term)
    if (places.length === 0) return undefined
    const inner = term.trim().length
    const lead = term.startsWith(' ') ? 1 : 0
    for (const place of places) matches.push([from[place + lead] ?? 0, to[place + lead + inner - 1] ?? content.length])
  }
  matches.sort(([a], [b]) => a - b)
  const [start, end] = stretchOf(content, matches[0]?.[0] ?? 0, from)
  return partsOf(content, matches, start, end)
}

function placesOf (text: string, term: string): number[] {
  const places: number[] = []
  for (let place = text.indexOf(term); place >= 0; place = text.indexOf(term, place + 1)) places.push(place)
  return places
}

/** Cut only between clusters (`borders`), and at a space where there is one near. */
function stretchOf (content: string, firstMatch: number, borders: number[]): [start: number, end: number] {
  if (content.length <= LONGEST) return [0, content.length]
  const space = content.indexOf(' ', firstMatch - BEFORE)
  const earliest = space >= 0 && space < firstMatch ? space + 1 : firstMatch - BEFORE
  const start = firstMatch <= BEFORE ? 0 : borders.find(border => border >= earliest) ?? firstMatch
  const end = start + LONGEST >= content.length ? content.length : borders.findLast(border => border <= start + LONGEST) ?? start + LONGEST
  return [start, end]
}

function partsOf (content: string, matches: [start: number, end: number][], start: number, end: number): SnippetPart[] {
  const parts: SnippetPart[] = []
  const add = (from: number, to: number, match: boolean) => {
    if (from >= to) return
    const last = parts.at(-1)
    if (last?.match === match) last.text += content.slice(from, to)
    else parts.push({ text: content.slice(from, to), match })
  }
  let at = start
  for (const [from, to] of matches) {
    if (from >= end) break
    add(at, Math.min(Math.max(at, from), end), false)
    add(Math.max(at, from), Math.min(to, end), true)
    at = Math.max(at, Math.min(to, end))
  }
  add(at, end, false)
  return parts
}
