import rateLimit from '@fastify/rate-limit'
import fp from 'fastify-plugin'
import { ApiError } from '../errors.ts'

/** REST requests a second and user, on the routes that need a token. 0: off. */
export const requestRate = fp<{ perSecond: number }>(async (app, { perSecond }) => {
  if (perSecond === 0) return
  await app.register(rateLimit, {
    hook: 'preHandler', // the user is known by then
    max: Math.max(1, Math.floor(perSecond)),
    timeWindow: 1000,
    allowList: ({ admin }) => admin !== null && admin.userId === null, // the application's own server
    keyGenerator: ({ admin, identity }) => admin === null ? identity.userId : admin.userId ?? '',
    errorResponseBuilder: (_request, { ttl }) => new ApiError('RATE_LIMITED', '', { retryAfterMs: ttl }),
  })
}, { name: 'request-rate' })
