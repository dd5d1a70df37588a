import rateLimit, { type FastifyRateLimitStore } from '@fastify/rate-limit'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import { clusterClient, redisClient } from '../realtime/bus/redis-link.ts'
import { SharedCounts } from './shared-counts.ts'

const WINDOW_MS = 1000

/** REST requests a second and user, on the routes that need a token. 0: off. Where there is Redis all processes count together. */
export const requestRate = fp<{ perSecond: number, redis: Config['redis'] }>(async (app, { perSecond, redis }) => {
  if (perSecond === 0) return
  const client = redis && (redis.isCluster ? clusterClient : redisClient)(redis.url, app.log)
  client?.connect().catch((err: unknown) => app.log.warn({ err }, 'each process counts requests by itself until Redis is there'))
  app.addHook('onClose', async () => { client?.disconnect() })
  const counts = client && redis && new SharedCounts(client, { prefix: `${redis.prefix}:rate:`, windowMs: WINDOW_MS, log: app.log })
  await app.register(rateLimit, {
    hook: 'preHandler', // the user is known by then
    max: Math.max(1, Math.floor(perSecond)),
    timeWindow: WINDOW_MS,
    ...(counts && { store: storeOf(counts) }),
    allowList: ({ admin }) => admin !== null && admin.userId === null, // the application's own server
    keyGenerator: ({ admin, identity }) => admin === null ? identity.userId : admin.userId ?? '',
    errorResponseBuilder: (_request, { ttl }) => new ApiError('RATE_LIMITED', '', { retryAfterMs: ttl }),
  })
}, { name: 'request-rate' })

function storeOf (counts: SharedCounts) {
  return class Store implements FastifyRateLimitStore {
    incr (key: string, counted: (error: Error | null, result: { current: number, ttl: number }) => void): void {
      void counts.add(key).then(result => counted(null, result))
    }

    /** All routes count together. */
    child (): Store { return this }
  }
}
