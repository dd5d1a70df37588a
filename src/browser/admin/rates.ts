import type { Overview } from './api.ts'

/** What two looks at the counters, one after the other, tell of the time between them. */
export interface Sample {
  connections: number
  sendsPerSecond: number
  deliveriesPerSecond: number
  /** null: nothing was delivered. */
  meanLagMs: number | null
  /** Ninety-nine of a hundred took no longer than this; Infinity: than can be told. */
  p99LagMs: number | null
}

export function sampleOf (before: Overview, now: Overview): Sample {
  const seconds = Math.max(0.001, (Date.parse(now.at) - Date.parse(before.at)) / 1000)
  const since = (counter: (overview: Overview) => number): number => Math.max(0, counter(now) - counter(before)) // another process may have answered
  const delivered = since(({ lag }) => lag.count)
  return {
    connections: now.sockets.connections,
    sendsPerSecond: since(({ messagesSent }) => messagesSent) / seconds,
    deliveriesPerSecond: since(({ deliveries }) => deliveries) / seconds,
    meanLagMs: delivered === 0 ? null : since(({ lag }) => lag.sumSeconds) / delivered * 1000,
    p99LagMs: delivered === 0 ? null : 1000 * (now.lag.buckets.find(({ count }, index) => count - (before.lag.buckets[index]?.count ?? 0) >= 0.99 * delivered)?.upToSeconds ?? Infinity),
  }
}
