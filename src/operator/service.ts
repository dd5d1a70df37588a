import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { ping, readSizes, readState, type Sizes } from './queries.ts'
import type { Overview } from './schemas.ts'

/** Sizes are asked for no more often, however many operators look. */
const SIZES_MS = 30_000
const SLOW_READERS = 10

export type OperatorService = ReturnType<typeof operatorService>

/** What happens here now: of this process, but for what the database says. */
export function operatorService (app: Pick<FastifyInstance, 'bus' | 'connections' | 'db' | 'hub' | 'metrics'>, config: Pick<Config, 'bus'>) {
  const { bus, connections, db, hub, metrics } = app
  const startedAt = Date.now()
  let sizes: Promise<Sizes> | undefined
  let sizesUntil = 0

  function freshSizes (): Promise<Sizes> {
    if (!sizes || Date.now() > sizesUntil) {
      sizesUntil = Date.now() + SIZES_MS
      const asked = readSizes(db)
      sizes = asked
      asked.catch(() => { if (sizes === asked) sizes = undefined }) // who asks next tries again; who has asked is told
    }
    return sizes
  }

  async function latencyMs (): Promise<number> {
    const since = performance.now()
    await ping(db)
    return Math.round((performance.now() - since) * 100) / 100
  }

  return {
    /** @throws what the database answers with; nothing is said without it */
    async overview (): Promise<Overview> {
      const [latency, { openReports, ...state }, { sizeBytes, biggestChats }, counters] = await Promise.all([latencyMs(), readState(db), freshSizes(), metrics.counters()])
      const { totalCount, idleCount, waitingCount } = db.pool
      const open = connections()
      return {
        at: new Date().toISOString(),
        uptimeSeconds: Math.round((Date.now() - startedAt) / 1000),
        sockets: {
          connections: open.length,
          users: hub.roster.connectedUsers.length,
          chatsFollowed: hub.roster.followedChats.length,
          refused: counters.refused,
          slowReadersCut: counters.slowReadersCut,
        },
        messagesSent: counters.messagesSent,
        deliveries: counters.deliveries,
        gapsRepaired: counters.gapsRepaired,
        lag: counters.lag,
        slowReaders: open.filter(({ unsentBytes }) => unsentBytes > 0).sort((one, other) => other.unsentBytes - one.unsentBytes).slice(0, SLOW_READERS)
          .map(({ id, userId, unsentBytes }) => ({ connectionId: id, userId, unsentBytes })),
        database: { ...state, latencyMs: latency, pool: { used: totalCount - idleCount, idle: idleCount, waiting: waitingCount }, sizeBytes },
        bus: { kind: config.bus, isUp: bus.isUp },
        biggestChats,
        openReports,
      }
    },
  }
}
