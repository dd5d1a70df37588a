import { setTimeout as pause } from 'node:timers/promises'
import type { Fault } from './fault.ts'

const STOPPED_MS = 15_000

export const redisStopped: Fault = {
  name: 'redis-stopped',
  what: 'SIGSTOP of Redis for 15 s: connections stay, and carry nothing',
  needs: 'redis',
  async strike ({ redis }) {
    redis?.signal('SIGSTOP')
    await pause(STOPPED_MS)
    redis?.signal('SIGCONT')
  },
}
