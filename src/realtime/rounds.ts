/** What has something to give to a socket. */
interface Giver { flush (): void }

/** So long the sockets of a hot chat are written to without a break: everybody else waits meanwhile. */
const SLICE_MS = 8
/** Between two looks at the clock. */
const AT_ONCE = 32

/**
 * When sockets are written to: once a turn of the loop, each what has become due to it by then. When that takes long (a chat with thousands
 * of members) it goes in slices, with the loop's other work in between; what becomes due meanwhile to those who are still waiting joins what they get.
 */
export class Rounds {
  #waiting: Giver[] = []
  #isUnderWay = false
  #joined: Buffer[] = []
  #bytes: Buffer = Buffer.alloc(0)

  /** In the next round. Once a round is enough. */
  add (giver: Giver): void {
    this.#waiting.push(giver)
    if (this.#isUnderWay) return
    this.#isUnderWay = true
    setImmediate(() => this.#go(0))
  }

  /** These frames as one. Those to whom the same is due, one after the other, share the bytes. */
  join (frames: Buffer[]): Buffer {
    if (frames.length === 1 && frames[0]) return frames[0]
    if (frames.length !== this.#joined.length || !frames.every((frame, index) => frame === this.#joined[index])) {
      this.#joined = frames
      this.#bytes = Buffer.concat(frames)
    }
    return this.#bytes
  }

  #go (from: number): void {
    const until = performance.now() + SLICE_MS
    let next = from
    do {
      const some = this.#waiting.slice(next, next + AT_ONCE)
      for (const giver of some) giver.flush()
      next += some.length // what a giver has added comes next
    } while (next < this.#waiting.length && performance.now() < until)
    if (next < this.#waiting.length) {
      setImmediate(() => this.#go(next))
      return
    }
    this.#waiting = []
    this.#isUnderWay = false
    this.#joined = [] // holds no bytes of chats that are quiet now
    this.#bytes = Buffer.alloc(0)
  }
}
