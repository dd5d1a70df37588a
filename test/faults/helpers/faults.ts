// What goes wrong.
import type { Crowd } from './crowd.ts'
import type { Postgres } from './postgres.ts'
import type { ServerProcess } from './server-process.ts'

export interface Place { server: ServerProcess, postgres: Postgres, crowd: Crowd, random: () => number }

const FAULTS = {
  /** The server's process is killed, and started again. */
  server: async ({ server }: Place) => {
    await server.kill()
    await server.start()
  },
  /** About half of the server's connections to PostgreSQL are ended by it, in the middle of whatever they are at; and again. */
  backends: async ({ postgres, random }: Place) => {
    await postgres.sql(async client => {
      for (let burst = 0; burst < 4; burst++) {
        await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND hashint8(pid + $1) % 2 = 0", [Math.floor(random() * 1000)])
      }
    })
  },
  /** PostgreSQL is stopped, in one way or another, and started again. */
  postgres: async ({ postgres, random }: Place) => {
    const way = random()
    if (way < 1 / 3) return postgres.crash()
    await (way < 2 / 3 ? postgres.stop() : postgres.stopAtOnce())
    await postgres.start()
  },
  /** About half of the sockets end without a close. */
  sockets: async ({ crowd, random }: Place) => {
    for (const person of crowd.people) if (random() < 0.5) person.cut()
  },
} satisfies Record<string, (place: Place) => Promise<void>>

export type Fault = keyof typeof FAULTS

export async function strike (fault: Fault, place: Place): Promise<void> {
  await FAULTS[fault](place)
}

/** So many faults, each kind about as often as the others, in an order that the seed decides. */
export function schedule (kinds: Fault[], rounds: number, random: () => number): Fault[] {
  return Array.from({ length: rounds }, (_, round) => ({ fault: kinds[round % kinds.length] as Fault, at: random() })).sort((a, b) => a.at - b.at).map(({ fault }) => fault)
}
