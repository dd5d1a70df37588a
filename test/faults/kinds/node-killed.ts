import type { Place } from '../scene/place.ts'
import type { Fault } from './fault.ts'
import { anyNode } from './pick.ts'

/** What people do goes on at the others, and then at all. */
export async function killNode (place: Place): Promise<void> {
  const { process } = anyNode(place)
  await process.kill()
  await place.crowd.getOn()
  await process.start()
}

export const nodeKilled: Fault = {
  name: 'node-killed',
  what: 'kill -9 of a random node, three times; it is started again when everybody has been answered without it',
  async strike (place) {
    for (let times = 0; times < 3; times++) await killNode(place)
  },
}
