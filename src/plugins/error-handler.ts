import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError, toApiError, type ErrorCode } from '../errors.ts'
import { tooLate } from './deadline.ts'

/** What Fastify itself refuses, in the contract's words. */
const FASTIFY_CODES: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'VALIDATION_FAILED',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'VALIDATION_FAILED',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'VALIDATION_FAILED',
  FST_ERR_BAD_URL: 'ROUTE_NOT_FOUND',
  FST_ERR_ASYNC_CONSTRAINT: 'ROUTE_NOT_FOUND',
}

function fromFastify (error: FastifyError, request: FastifyRequest): ApiError {
  if (error.code === 'FST_ERR_HANDLER_TIMEOUT') return tooLate(request)
  const code = FASTIFY_CODES[error.code]
  if (code) return new ApiError(code, error.message, { cause: error })
  const refused = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500
  return refused ? new ApiError('VALIDATION_FAILED', error.message, { cause: error }) : toApiError(error)
}

function bodyOf ({ statusCode, code, message, details }: ApiError): object {
  return { statusCode, code, error: STATUS_CODES[statusCode], message, ...(details !== undefined && { details }) }
}

function send (error: ApiError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error.statusCode >= 500) request.log.error({ err: error.cause ?? error, code: error.code }, 'request failed')
  if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000))
  return reply.code(error.statusCode).send(bodyOf(error))
}

/** Options of Fastify, for what goes wrong before there is a route, or even a request: it would answer in words of its own. */
export const earlyErrors = {
  frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => { void send(fromFastify(error, request), request, reply) },
  clientErrorHandler: (error: Error & { code?: string }, socket: Socket) => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    const apiError = error.code === 'HPE_HEADER_OVERFLOW' ? new ApiError('TOO_LARGE') : new ApiError('VALIDATION_FAILED', 'This is not an HTTP request')
    const body = JSON.stringify(bodyOf(apiError))
    const head = `HTTP/1.1 ${apiError.statusCode} ${STATUS_CODES[apiError.statusCode]}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}`
    if (socket.writable) socket.write(`${head}\r\n\r\n${body}`)
    socket.destroy(error)
  },
}

/** One rendering for every error over REST. 5xx: all to the log, nothing to the client; 4xx: code and message. */
export const errorHandler = fp(async app => {
  app.setErrorHandler<FastifyError | ApiError>((error, request, reply) =>
    send(error instanceof ApiError ? error : fromFastify(error, request), request, reply))
  app.setNotFoundHandler((request, reply) => send(new ApiError('ROUTE_NOT_FOUND'), request, reply))
}, { name: 'error-handler' })
