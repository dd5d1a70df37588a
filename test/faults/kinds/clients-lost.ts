import type { Place } from '../scene/place.ts'
import type { Fault } from './fault.ts'

/** About half of the sockets end without a close. */
export function cutSockets ({ crowd, random }: Pick<Place, 'crowd' | 'random'>): void {
  for (const { line } of crowd.people) if (random() < 0.5) line.cut()
}

export const clientsVanish: Fault = {
  name: 'clients-vanish',
  what: 'three times about a third of the clients are gone without FIN: nobody reads and answers at the other end of their old sockets while they come back by new ones',
  async strike ({ crowd, random }) {
    for (let times = 0; times < 3; times++) {
      for (const { line } of crowd.people) if (random() < 1 / 3) line.vanish()
      await crowd.getOn()
    }
  },
}

export const allAtOnce: Fault = {
  name: 'all-at-once',
  what: 'all clients lose their sockets at the same moment and come back, five times',
  async strike ({ crowd }) {
    for (let times = 0; times < 5; times++) {
      for (const { line } of crowd.people) line.cut()
      await crowd.getOn()
    }
  },
}
