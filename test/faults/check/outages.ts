import type { Outage } from './evidence.ts'

/** How much of a time was outage, in milliseconds. */
export function stalled (outages: Outage[], from: number, to: number): number {
  return outages.reduce((sum, outage) => sum + Math.max(0, Math.min(to, outage.to) - Math.max(from, outage.from)), 0)
}
