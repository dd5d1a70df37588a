import { setTimeout as pause } from 'node:timers/promises'
import type { Fault } from './fault.ts'
import { anyNode } from './pick.ts'

const STOPPED_MS = 60_000

export const nodeStopped: Fault = {
  name: 'node-stopped',
  what: 'SIGSTOP of a random node for 60 s; then it goes on with what it was at, and with what has come meanwhile',
  async strike (place) {
    const { index, process } = anyNode(place)
    const from = Date.now()
    process.signal('SIGSTOP')
    await pause(STOPPED_MS)
    process.signal('SIGCONT')
    place.stopped.push({ node: index, from, to: Date.now() })
  },
}
