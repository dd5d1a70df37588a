import { terminateBackends } from './backends-terminated.ts'
import { cutSockets } from './clients-lost.ts'
import type { Fault } from './fault.ts'
import { killAt } from './node-killed-at.ts'
import { killPostgres } from './postgres-killed.ts'
import { killRedis } from './redis-killed.ts'

export const storm: Fault = {
  name: 'storm',
  what: 'one of each of the quick ones, one after the other',
  async strike (place) {
    await killAt(place, 'publish', 'answer')
    await terminateBackends(place)
    if (place.redis) await killRedis(place)
    cutSockets(place)
    await killPostgres(place)
  },
}
