import { setTimeout as pause } from 'node:timers/promises'
import type { Place } from '../scene/place.ts'
import type { Fault } from './fault.ts'

const BURSTS = 4
const PAUSE_MS = 150

/** About half of the connections to PostgreSQL are ended by it, in the middle of whatever they are at; and again. */
export async function terminateBackends ({ postgres, random }: Pick<Place, 'postgres' | 'random'>): Promise<void> {
  await postgres.sql(async client => {
    for (let burst = 0; burst < BURSTS; burst++) {
      const half = Math.floor(random() * 1000)
      await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND hashint8(pid + $1) % 2 = 0", [half])
      await pause(random() * PAUSE_MS)
    }
  })
}

export const backendsTerminated: Fault = {
  name: 'backends-terminated',
  what: `${3 * BURSTS} times about half of all connections to PostgreSQL are ended by it`,
  async strike (place) {
    for (let times = 0; times < 3; times++) {
      await terminateBackends(place)
      await place.crowd.getOn()
    }
  },
}
