import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Fault } from './fault.ts'

const TIMES = 40
const EVERY_MS = 200

export const redisClientsKilled: Fault = {
  name: 'redis-clients-killed',
  what: `CLIENT KILL TYPE pubsub, ${TIMES} times, every ${EVERY_MS} ms`,
  needs: 'redis',
  async strike ({ redis }) {
    if (!redis) return
    const admin = new Redis(redis.url)
    for (let times = 0; times < TIMES; times++) {
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await pause(EVERY_MS)
    }
    admin.disconnect()
  },
}
