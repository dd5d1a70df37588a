import { setTimeout as pause } from 'node:timers/promises'
import type { Fault } from './fault.ts'

const STOPPED_MS = 20_000

export const postgresStopped: Fault = {
  name: 'postgres-stopped',
  what: 'SIGSTOP of all of PostgreSQL for 20 s: everything is still there and nothing answers',
  async strike ({ postgres }) {
    await postgres.signal('SIGSTOP')
    await pause(STOPPED_MS)
    await postgres.signal('SIGCONT')
  },
}
