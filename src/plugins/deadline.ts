import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ANSWER_WITHIN_MS, inTime, notNow } from '../deadline.ts'
import { ApiError } from '../errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route that changes nothing, although it is no GET. */
    isRead?: boolean
  }
}

/** What is told whose answer comes too late. */
export function tooLate ({ method, routeOptions }: FastifyRequest): ApiError {
  return method === 'GET' || routeOptions.config.isRead ? notNow() : new ApiError('OUTCOME_UNKNOWN')
}

/**
 * Every request is answered in time. Fastify's own `handlerTimeout` sees to it until a request's body has been read, and ends with that; from
 * there on it is this. A route that names a `handlerTimeout` of its own is left alone.
 */
export const answerInTime = fp(async app => {
  app.addHook('onRoute', route => {
    const { handler } = route
    if (route.handlerTimeout !== undefined) return
    route.handler = async function (request, reply) {
      return inTime(Promise.resolve(handler.call(this, request, reply)), () => tooLate(request), ANSWER_WITHIN_MS - reply.elapsedTime)
    }
  })
}, { name: 'answer-in-time' })
