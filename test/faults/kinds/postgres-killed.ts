import type { Place } from '../scene/place.ts'
import type { Fault } from './fault.ts'

/** Without a word to anybody; the next start recovers. */
export async function killPostgres ({ postgres }: Pick<Place, 'postgres'>): Promise<void> {
  await postgres.kill()
  await postgres.start()
}

export const postgresKilled: Fault = {
  name: 'postgres-killed',
  what: 'kill -9 of PostgreSQL, three times, and the start that recovers',
  async strike (place) {
    for (let times = 0; times < 3; times++) {
      await killPostgres(place)
      await place.crowd.getOn()
    }
  },
}
