// What Redis says to a client (RESP2), value by value: messages of pub/sub are lost, doubled and late; all else passes as it is.
import { Transform, type TransformCallback } from 'node:stream'

const CHANCE = 0.05
const LATE_MS = 400
const MESSAGE = /^\*\d+\r\n\$\d+\r\n(s|p)?message\r\n/
const HEADER_BYTES = 32

export class LossyPushes extends Transform {
  readonly #random: () => number
  readonly #spoiled: { dropped: number, doubled: number, delayed: number }
  #rest = Buffer.alloc(0)

  constructor (random: () => number, spoiled: { dropped: number, doubled: number, delayed: number }) {
    super()
    this.#random = random
    this.#spoiled = spoiled
  }

  override _transform (chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (let end = endOfValue(this.#rest, 0); end !== null; end = endOfValue(this.#rest, 0)) {
      this.#pass(this.#rest.subarray(0, end))
      this.#rest = this.#rest.subarray(end)
    }
    done()
  }

  #pass (value: Buffer): void {
    const chance = MESSAGE.test(value.toString('latin1', 0, HEADER_BYTES)) ? this.#random() : 1
    if (chance < CHANCE) {
      this.#spoiled.dropped++
    } else if (chance < 2 * CHANCE) {
      this.#spoiled.doubled++
      this.push(value)
      this.push(value)
    } else if (chance < 3 * CHANCE) {
      this.#spoiled.delayed++
      setTimeout(() => { if (!this.destroyed && !this.readableEnded) this.push(value) }, this.#random() * LATE_MS)
    } else {
      this.push(value)
    }
  }
}

/** Where the value that begins at `from` ends; null: it has not all come. */
export function endOfValue (bytes: Buffer, from: number): number | null {
  const line = bytes.indexOf('\r\n', from, 'latin1')
  if (line === -1) return null
  const [type, count] = [String.fromCharCode(bytes[from] as number), Number(bytes.toString('latin1', from + 1, line))]
  let end: number | null = line + 2
  if (type === '$') end = count < 0 ? end : end + count + 2
  if (type === '*') for (let index = 0; index < count && end !== null; index++) end = endOfValue(bytes, end)
  return end !== null && end <= bytes.length ? end : null
}
