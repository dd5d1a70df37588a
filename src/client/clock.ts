/** Time and chance. Tests bring their own. */
export interface Clock {
  /** Calls back once. @returns what takes the call back */
  after (ms: number, callback: () => void): () => void
  /** 0 ≤ x < 1 */
  random (): number
}

export const systemClock: Clock = {
  after (ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
}

const FIRST_MS = 1_000
const MOST_MS = 30_000

/** How long to wait before the nth attempt (from 0), with full jitter: clients that were cut together do not come back together. */
export function backoff (clock: Clock, attempt: number): number {
  return clock.random() * Math.min(MOST_MS, FIRST_MS * 2 ** attempt)
}
