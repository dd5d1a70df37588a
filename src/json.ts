import { ApiError } from './errors.ts'

/** Deeper input is refused before anything recursive meets it. The contract's own shapes need 4, and metadata 8. */
const MAX_DEPTH = 16

/**
 * Parses JSON from outside: for REST bodies and WebSocket frames alike.
 * @throws {ApiError} VALIDATION_FAILED for what is not JSON, is too deep, would reach a prototype, or holds text that
 *   PostgreSQL cannot store (NUL, lone surrogates: Node would turn these into U+FFFD without a word)
 */
export function parseJson (text: string): unknown {
  const value = decodeJson(text)
  assertStorable(value)
  return value
}

/** The first half of it: of what comes out nothing is known yet. @throws {ApiError} VALIDATION_FAILED for what is not JSON */
export function decodeJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ApiError('VALIDATION_FAILED', 'This is not JSON', { cause })
  }
}

/** @throws {ApiError} VALIDATION_FAILED as `parseJson`. For strings that came by another way: a path, a query, a token. */
export function assertStorable (value: unknown): void {
  const pending: [value: unknown, depth: number][] = [[value, 0]]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [current, depth] = next
    if (typeof current === 'string') assertText(current)
    if (current === Infinity || current === -Infinity) throw new ApiError('VALIDATION_FAILED', 'A number is too large') // it would become null
    if (typeof current !== 'object' || current === null) continue
    if (depth === MAX_DEPTH) throw new ApiError('VALIDATION_FAILED', `JSON may be ${MAX_DEPTH} levels deep`)
    for (const [key, child] of Object.entries(current)) {
      if (key === '__proto__') throw new ApiError('VALIDATION_FAILED', '__proto__ is not a name that can be used')
      assertText(key)
      pending.push([child, depth + 1])
    }
  }
}

function assertText (text: string): void {
  if (text.includes('\0') || !text.isWellFormed()) throw new ApiError('VALIDATION_FAILED', 'Text may hold neither NUL nor lone surrogates')
}

/** JSON that is encoded already (by PostgreSQL): goes out as it is, without a detour through objects. */
export class EncodedJson {
  readonly text: string

  constructor (text: string) {
    this.text = text
  }

  /** The same object with more members. */
  with (members: object): EncodedJson {
    return new EncodedJson(`${this.text.slice(0, -1)},${JSON.stringify(members).slice(1)}`)
  }
}

/** The beginning of what several are told: made into bytes once. */
export class SharedText {
  readonly text: string
  #bytes: Buffer | undefined

  constructor (text: string) {
    this.text = text
  }

  get bytes (): Buffer {
    this.#bytes ??= Buffer.from(this.text)
    return this.#bytes
  }
}

/** JSON that begins as that of others does: those bytes go out to all of them as they are. */
export class SharedJson extends EncodedJson {
  readonly beginning: SharedText
  readonly rest: string

  constructor (beginning: SharedText, rest: string) {
    super(beginning.text + rest)
    this.beginning = beginning
    this.rest = rest
  }

  override with (members: object): SharedJson {
    return new SharedJson(this.beginning, `${this.rest.slice(0, -1)},${JSON.stringify(members).slice(1)}`)
  }

  get bytes (): Buffer {
    return Buffer.concat([this.beginning.bytes, Buffer.from(this.rest)])
  }
}

export function encodeJson (value: unknown): string {
  return value instanceof EncodedJson ? value.text : JSON.stringify(value)
}
