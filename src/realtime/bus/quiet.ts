import type { Frame, HintFrame } from '../frames.ts'
import { hashOf, type Topic } from './topics.ts'

/** So long it is believed that nobody else hears a topic. Then it is said again, and Redis tells again how many hear it: an announcement may have been lost. */
const QUIET_MS = 5_000
const MAX_QUIET = 50_000

interface Quiet { topic: Topic, until: number, /** The newest that was not said of it. */ unsaid: HintFrame | undefined }

/**
 * The topics of which it is known that no other node hears them: what is said of them need not go to Redis. It is learned from how many have
 * heard what was said last, and ends when a node announces that it hears them now.
 *
 * Whoever begins to hear a topic has subscribed before they announce it, and reads before or after the announcement comes here; what was kept back in between is hinted at
 * then. So nobody misses what they would have heard without this, unless the announcement itself is lost, and then for no longer than `QUIET_MS`.
 */
export class QuietTopics {
  /** By the topics' hashes, as they are announced. Of several that have the same, one can be quiet. */
  readonly #quiet = new Map<number, Quiet>()
  readonly #now: () => number
  #disturbances = 0

  /** @param now milliseconds */
  constructor (now = Date.now) {
    this.#now = now
  }

  /** What was learned from before counts no longer: an answer that is under way may not know of who has come meanwhile. */
  get disturbances (): number { return this.#disturbances }

  /** @returns whether the frame need not be said. If somebody should hear of it, they are hinted at it when they announce themselves */
  keeps (topic: Topic, frame: Frame): boolean {
    if (this.#quiet.size === 0) return false
    const hash = hashOf(topic)
    const quiet = this.#quiet.get(hash)
    if (quiet?.topic !== topic) return false
    if (frame.kind === 'expel' || frame.kind === 'viewers') return false // rare, and not to be read anywhere
    if (quiet.until < this.#now()) {
      this.#quiet.delete(hash)
      return false
    }
    quiet.unsaid = hintAt(frame, quiet.unsaid)
    return true
  }

  /** Redis has said that no other node hears it, and `disturbances` is what it was when it was asked. */
  add (topic: Topic): void {
    if (topic === 'all' || this.#quiet.size >= MAX_QUIET) return this.#trim()
    const hash = hashOf(topic)
    if (!this.#quiet.has(hash)) this.#quiet.set(hash, { topic, until: this.#now() + QUIET_MS, unsaid: undefined })
  }

  /** Somebody hears these now. @returns what is to be said */
  announced (hashes: Iterable<number>): [Topic, HintFrame][] {
    this.#disturbances++
    const woken: Quiet[] = []
    for (const hash of hashes) {
      const quiet = this.#quiet.get(hash)
      if (quiet) woken.push(quiet)
      this.#quiet.delete(hash)
    }
    return woken.flatMap(({ topic, unsaid }) => unsaid ? [[topic, unsaid] as [Topic, HintFrame]] : [])
  }

  /** It is not known any more who hears what. @returns what is to be said */
  forget (): [Topic, HintFrame][] {
    return this.announced([...this.#quiet.keys()])
  }

  /** Less is heard here than before: how many others there are cannot be told from an answer that is under way. */
  disturb (): void {
    this.#disturbances++
  }

  #trim (): void {
    const now = this.#now()
    for (const [hash, { until }] of this.#quiet) {
      if (until >= now) break // the oldest come first
      this.#quiet.delete(hash)
    }
  }
}

/** What tells that there is something to be read, of a frame that is durable and of what was known before. */
export function hintAt (frame: Frame, before: HintFrame | undefined): HintFrame | undefined {
  if (frame.kind !== 'chat' && frame.kind !== 'inbox' && frame.kind !== 'hint') return before
  const revision = Math.max(before?.revision ?? 0, frame.revision)
  return 'chatId' in frame && frame.chatId !== undefined ? { kind: 'hint', chatId: frame.chatId, revision } : { kind: 'hint', userId: frame.userId ?? '', revision }
}
