import { setTimeout as pause } from 'node:timers/promises'
import type { Fault } from './fault.ts'
import { LossyPushes } from './lossy-pushes.ts'

const LASTS_MS = 12_000
const RESETS = 4

/**
 * TCP itself neither drops nor doubles bytes: what gets through is in order, or the connection is reset. So of what Redis says to a node whole
 * messages are dropped, doubled, and delayed until later ones have passed them, each 5 % of them; and the connections are reset now and then with whatever
 * they carry just then.
 */
export const redisLossy: Fault = {
  name: 'redis-lossy',
  what: `a proxy between each node and Redis drops, doubles and delays 5 % of the messages each, and resets all connections ${RESETS} times`,
  needs: 'redis',
  async strike ({ nodes, random }) {
    const spoiled = { dropped: 0, doubled: 0, delayed: 0 }
    for (const { toRedis } of nodes) {
      if (!toRedis) continue
      toRedis.through = () => new LossyPushes(random, spoiled)
      toRedis.cut()
    }
    for (let reset = 0; reset < RESETS; reset++) {
      await pause(LASTS_MS / RESETS)
      for (const { toRedis } of nodes) toRedis?.cut()
    }
    for (const { toRedis } of nodes) {
      if (!toRedis) continue
      toRedis.through = null
      toRedis.cut()
    }
    const none = Object.entries(spoiled).filter(([, times]) => times === 0)
    if (none.length > 0) throw new Error(`nothing was ${none.map(([what]) => what).join(' or ')}`)
  },
}
