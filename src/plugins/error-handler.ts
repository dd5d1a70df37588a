import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError, toApiError, type ErrorCode } from '../errors.ts'

/** What Fastify itself refuses, in the contract's words. */
const FASTIFY_CODES: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'VALIDATION_FAILED',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'VALIDATION_FAILED',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'VALIDATION_FAILED',
  FST_ERR_BAD_URL: 'ROUTE_NOT_FOUND',
  FST_ERR_ASYNC_CONSTRAINT: 'ROUTE_NOT_FOUND',
}

function fromFastify (error: FastifyError): ApiError {
  const code = FASTIFY_CODES[error.code]
  if (code) return new ApiError(code, error.message, { cause: error })
  const refused = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500
  return refused ? new ApiError('VALIDATION_FAILED', error.message, { cause: error }) : toApiError(error)
}

function send (error: ApiError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error.statusCode >= 500) request.log.error({ err: error.cause ?? error, code: error.code }, 'request failed')
  if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000))
  const { statusCode, code, message, details } = error
  return reply.code(statusCode).send({ statusCode, code, error: STATUS_CODES[statusCode], message, ...(details !== undefined && { details }) })
}

/** One rendering for every error over REST. 5xx: all to the log, nothing to the client; 4xx: code and message. */
export const errorHandler = fp(async app => {
  app.setErrorHandler<FastifyError | ApiError>((error, request, reply) =>
    send(error instanceof ApiError ? error : fromFastify(error), request, reply))
  app.setNotFoundHandler((request, reply) => send(new ApiError('ROUTE_NOT_FOUND'), request, reply))
}, { name: 'error-handler' })
