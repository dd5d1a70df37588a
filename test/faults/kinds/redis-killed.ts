import type { Place } from '../scene/place.ts'
import type { Fault } from './fault.ts'

/** What people do goes on without it, and it comes back empty. */
export async function killRedis ({ redis, crowd }: Pick<Place, 'redis' | 'crowd'>): Promise<void> {
  await redis?.kill()
  await crowd.getOn()
  await redis?.start()
}

export const redisKilled: Fault = {
  name: 'redis-killed',
  what: 'kill -9 of Redis, twice; it is started again, empty, when everybody has been answered without it',
  needs: 'redis',
  async strike (place) {
    for (let times = 0; times < 2; times++) await killRedis(place)
  },
}
