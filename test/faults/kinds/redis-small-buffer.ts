import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Place } from '../scene/place.ts'
import type { Fault } from './fault.ts'

const NAME = 'client-output-buffer-limit'
/** A few frames: whoever is behind by more is cut off by Redis. */
const TINY = 'pubsub 2048 1024 1'
/** That the limit is met is seen by the clients that have gone. */
const CUT_OFF = 5
const HELD_MS = 300

/** A node does not read for a moment, and what is said to it meanwhile is more than Redis keeps. */
async function overrun ({ nodes, random }: Pick<Place, 'nodes' | 'random'>): Promise<void> {
  const node = nodes[Math.floor(random() * nodes.length)]
  node?.process.signal('SIGSTOP')
  await pause(HELD_MS)
  node?.process.signal('SIGCONT')
  await pause(HELD_MS)
}

export const redisSmallBuffer: Fault = {
  name: 'redis-small-buffer',
  what: `Redis keeps 2 KiB for a subscriber ("${TINY}"), and nodes do not read for ${HELD_MS} ms now and then; until it has cut off ${CUT_OFF} of them`,
  needs: 'redis',
  async strike (place) {
    if (!place.redis) return
    const admin = new Redis(place.redis.url)
    const [, before = ''] = await admin.config('GET', NAME) as string[]
    const cutOff = async () => Number(/client_output_buffer_limit_disconnections:(\d+)/.exec(await admin.info('stats'))?.[1] ?? NaN)
    const limit = await cutOff() + CUT_OFF
    await admin.config('SET', NAME, TINY)
    while (await cutOff() < limit) await overrun(place)
    await admin.config('SET', NAME, before)
    admin.disconnect()
  },
}
