import type { Place } from '../scene/place.ts'
import { terminateBackends } from './backends-terminated.ts'
import { cutSockets } from './clients-lost.ts'
import type { Fault } from './fault.ts'
import { killNode } from './node-killed.ts'
import { killPostgres } from './postgres-killed.ts'

const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 20)
const KINDS: ((place: Place) => Promise<void> | void)[] = [killNode, terminateBackends, killPostgres, cutSockets]

export const twentyRounds: Fault = {
  name: 'twenty-rounds',
  what: `${ROUNDS} rounds of a node killed, backends terminated, PostgreSQL killed and sockets cut, in an order that the seed decides`,
  async strike (place) {
    const rounds = Array.from({ length: ROUNDS }, (_, round) => ({ strike: KINDS[round % KINDS.length], at: place.random() })).sort((a, b) => a.at - b.at)
    for (const { strike } of rounds) {
      await strike?.(place)
      await place.crowd.getOn()
    }
  },
}
