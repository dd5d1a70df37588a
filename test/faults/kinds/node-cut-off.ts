import { setTimeout as pause } from 'node:timers/promises'
import type { Link } from '../helpers/link.ts'
import type { Node } from '../scene/place.ts'
import type { Fault } from './fault.ts'
import { anyNode } from './pick.ts'

const CUT_MS = 8_000

function cutOff (name: string, from: string, wayOf: (node: Node) => Link | null): Omit<Fault, 'needs'> {
  return {
    name,
    what: `a random node is cut from ${from} alone: for ${CUT_MS / 1000} s connections are refused, and then for as long packets vanish`,
    async strike (place) {
      const way = wayOf(anyNode(place))
      way?.cut('down')
      await pause(CUT_MS)
      way?.mend()
      await place.crowd.getOn()
      way?.silence()
      await pause(CUT_MS)
      way?.mend()
    },
  }
}

export const cutFromPostgres: Fault = cutOff('cut-from-postgres', 'PostgreSQL', node => node.toPostgres)
export const cutFromRedis: Fault = { ...cutOff('cut-from-redis', 'Redis', node => node.toRedis), needs: 'redis' }
