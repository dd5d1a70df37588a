// Holds what the server says against its own contract: nothing may be missing, and nothing may be there that is not named.
import { ok } from 'node:assert/strict'
import { STATUS_CODES } from 'node:http'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance } from 'fastify'
import { events as chatEvents } from '../../src/chats/schemas.ts'
import { commands, events, type CommandName } from '../../src/contract.ts'
import { ApiError, isErrorCode } from '../../src/errors.ts'
import { events as messageEvents } from '../../src/messages/schemas.ts'
import { events as pinEvents } from '../../src/pins/schemas.ts'
import { ErrorBody } from '../../src/primitives.ts'
import { events as reactionEvents } from '../../src/reactions/schemas.ts'
import { CommandError } from '../../src/realtime/schemas.ts'

type Json = Record<string, unknown>

/** As far as an operation of OpenAPI is needed here. */
interface Operation {
  parameters?: { name: string, in: string }[]
  requestBody?: { content?: Record<string, { schema: Json }> }
  responses: Record<string, { content?: Record<string, { schema: Json }> }>
}

/** A route of the API: `POST /sessions/{chatId}/read`. */
export interface Route {
  name: string
  method: string
  path: string
  /** What can be said to it: in its path, query and body. */
  inputs: string[]
  hasBody: boolean
  responses: Record<string, Json>
}

export const PREFIX = '/api/v1/chat'

const ajv = new Ajv({ strict: false, allErrors: true })
addFormats.default(ajv, ['uuid', 'date-time', 'uri'])
const validators = new WeakMap<object, ValidateFunction>()

/** The events that carry a revision of the chat. */
const DURABLE = new Set([...[chatEvents, messageEvents, reactionEvents, pinEvents].flatMap(Object.keys), 'revision_skipped'].filter(type => type !== 'chat_deleted'))
const ENVELOPE = new Set(['type', 'chatId', 'previousRevision', 'revision', 'data'])

/** All routes of the API but the WebSocket's. */
export function routesOf (app: FastifyInstance): Route[] {
  const paths = app.swagger().paths as unknown as Record<string, Record<string, Operation>>
  return Object.entries(paths).flatMap(([path, operations]) => Object.entries(operations).map(([method, operation]) => {
    const short = path.slice(PREFIX.length)
    return { name: `${method.toUpperCase()} ${short}`, method: method.toUpperCase(), path: short, inputs: inputsOf(operation), hasBody: operation.requestBody !== undefined, responses: schemasOf(operation) }
  }))
}

function inputsOf ({ parameters = [], requestBody }: Operation): string[] {
  return [...parameters.map(({ name }) => name), ...propertiesOf(requestBody?.content?.['application/json']?.schema ?? {})]
}

function schemasOf ({ responses }: Operation): Route['responses'] {
  return Object.fromEntries(Object.entries(responses).map(([status, { content }]) => [status, content?.['application/json']?.schema ?? {}]))
}

/** The names of the properties of an object, or of all the objects that it may be. */
export function propertiesOf (schema: object): string[] {
  const { properties = {}, anyOf = [] } = schema as { properties?: object, anyOf?: object[] }
  return [...new Set([...Object.keys(properties), ...anyOf.flatMap(propertiesOf)])]
}

/** The answer of a route: its own schema for success, the common shape of errors for the rest. */
export function assertBody (route: Route, status: number, body: unknown): void {
  if (status >= 400) return assertError(status, body)
  const schema = route.responses[status]
  ok(schema, `${route.name} answers ${status}, which its schema does not know`)
  assertValid(schema, body, `${route.name}, ${status}`)
}

/** Of whatever route, or of none. */
export function assertError (status: number, body: unknown): asserts body is { code: string, message: string, details?: unknown } {
  assertValid(ErrorBody, body, `error ${status}`)
  const { statusCode, code, error } = body as { statusCode: number, code: string, error: string }
  ok(isErrorCode(code), `${code} is not a code of the contract`)
  ok(statusCode === status && new ApiError(code).statusCode === status, `${code} came with ${status}, and said ${statusCode}`)
  ok(error === STATUS_CODES[status], `error is "${error}"`)
}

/** A frame: the reply to this command, or an event. */
export function assertFrame (frame: Json, command?: CommandName): void {
  if (frame.type === 'error') return assertErrorFrame(frame)
  if (frame.re !== undefined) return assertReply(frame, command)
  const { type, chatId, previousRevision, revision } = frame
  const name = String(type)
  ok(Object.hasOwn(events, name), `${name} is not an event of the contract`)
  ok(Object.keys(frame).every(key => ENVELOPE.has(key)), `${name} has ${Object.keys(frame)}`)
  ok(chatId === undefined || typeof chatId === 'string', `${name} has the chatId ${chatId}`)
  if (DURABLE.has(name)) ok(typeof chatId === 'string' && Number(revision) > Number(previousRevision), `${name} goes from ${previousRevision} to ${revision}`)
  else ok(previousRevision === undefined && revision === undefined, `${name} has a revision`)
  assertValid(events[name as keyof typeof events], frame.data, name)
}

function assertReply (frame: Json, command: CommandName | undefined): void {
  ok(command, `a reply to nothing: ${JSON.stringify(frame)}`)
  ok(Object.keys(frame).toSorted().join() === 'data,re,type', `the reply to ${command} has ${Object.keys(frame)}`)
  ok(frame.type === commands[command].reply, `the reply to ${command} is ${frame.type}`)
  assertValid(commands[command].result, frame.data, `reply to ${command}`)
}

function assertErrorFrame ({ re, type, error, ...rest }: Json): void {
  ok(Object.keys(rest).length === 0, `an error has ${Object.keys(rest)}`)
  assertValid(CommandError, error, 'error')
  const { code, retryable } = error as { code: string, retryable: boolean }
  ok(isErrorCode(code), `${code} is not a code of the contract`)
  ok(new ApiError(code).retryable === retryable, `${code} says retryable: ${retryable}`)
}

function assertValid (schema: object, value: unknown, what: string): void {
  const validate = validators.get(schema) ?? ajv.compile(closed(schema) as Json)
  validators.set(schema, validate)
  if (!validate(value)) throw new Error(`${what}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`)
}

/** The schema, and no property more. (Clients must bear new ones; here each has to be named.) */
function closed (schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy: Json = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  if (copy.type === 'object' && typeof copy.properties !== 'string') copy.additionalProperties ??= false
  return copy
}
