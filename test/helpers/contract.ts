// Holds what the server takes and says against its own documents, /openapi.json and /asyncapi.json: nothing may be missing, and nothing may be there that is not named.
import { ok } from 'node:assert/strict'
import { STATUS_CODES } from 'node:http'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance } from 'fastify'
import { commands, events, type CommandName } from '../../src/contract.ts'
import { asyncApiDocument, DURABLE } from '../../src/documents/asyncapi.ts'
import { errorsOfCommand } from '../../src/documents/errors.ts'
import { ApiError, isErrorCode } from '../../src/errors.ts'
import { ErrorBody } from '../../src/primitives.ts'

type Json = Record<string, unknown>

/** As far as an operation of OpenAPI is needed here. */
interface Operation {
  operationId: string
  parameters?: { name: string, in: string }[]
  requestBody?: { content?: Record<string, { schema: Json }> }
  responses: Record<string, { content?: Record<string, object> }>
  'x-error-codes': string[]
}

/** A route of the API: `POST /sessions/{chatId}/read`. */
export interface Route {
  name: string
  method: string
  path: string
  /** What can be said to it: in its path, query and body. */
  inputs: string[]
  hasBody: boolean
  /** The statuses of its answers, and where in the document the schema of each is (of a file there is none). */
  responses: Record<string, string | undefined>
  /** Where the schema of its body is, if that is JSON. */
  body: string | undefined
  operationId: string
  errors: string[]
  /** The document that it is in. */
  validators: Validators
}

export const PREFIX = '/api/v1/chat'

/** Checks by schemas of a document, each compiled when it is first needed. */
class Validators {
  readonly #ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false })
  readonly #compiled = new Map<string, ValidateFunction>()

  constructor (document: object) {
    addFormats.default(this.#ajv, ['uuid', 'date-time', 'uri'])
    this.#ajv.addSchema(closed(document) as Json, 'document')
  }

  /** @param pointer to the schema: `#/components/messages/error/payload` */
  assert (pointer: string, value: unknown, what: string): void {
    const validate = this.#compiled.get(pointer) ?? this.#ajv.compile({ $ref: `document${pointer}` })
    this.#compiled.set(pointer, validate)
    if (!validate(value)) throw new Error(`${what}: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`)
  }
}

let ofFrames: Validators | undefined
function frames (): Validators {
  const words = { post: { tags: ['messages'], summary: '' } } // of no schema
  ofFrames ??= new Validators(asyncApiDocument({ paths: Object.fromEntries(Object.keys(commands).map(name => [name, { post: { ...words.post, operationId: name } }])) }))
  return ofFrames
}
const errorBodies = new Validators(ErrorBody)
const ofApps = new WeakMap<FastifyInstance, Route[]>()

/** The events that carry a revision of the chat. */
const ENVELOPE = new Set(['type', 'chatId', 'previousRevision', 'revision', 'data'])

/** All routes of the API but the WebSocket's. */
export function routesOf (app: FastifyInstance): Route[] {
  const known = ofApps.get(app)
  if (known) return known
  const document = app.swagger() as unknown as { paths: Record<string, Record<string, Operation>>, components: { schemas: Record<string, Json> } }
  const validators = new Validators(document)
  const routes = Object.entries(document.paths).flatMap(([path, operations]) => Object.entries(operations).map(([method, operation]): Route => {
    const short = path.slice(PREFIX.length)
    const pointer = `#/paths/${path.replaceAll('/', '~1')}/${method}`
    const isJson = operation.requestBody?.content?.['application/json']
    return {
      name: `${method.toUpperCase()} ${short}`,
      method: method.toUpperCase(),
      path: short,
      inputs: inputsOf(operation),
      hasBody: operation.requestBody !== undefined,
      responses: Object.fromEntries(Object.entries(operation.responses).map(([status, { content }]) => [status, content?.['application/json'] && `${pointer}/responses/${status}/content/application~1json/schema`])),
      body: isJson && `${pointer}/requestBody/content/application~1json/schema`,
      operationId: operation.operationId,
      errors: operation['x-error-codes'],
      validators,
    }
  }))
  ofApps.set(app, routes)
  return routes
}

/** The servers of this process, by their address: a client knows no more of them. */
const served = new Map<string, FastifyInstance>()

export function serves (url: string, app: FastifyInstance): void {
  served.set(url, app)
}

/** The route that takes a request, if the server is one of this process and it is of the API. @param path below the prefix, with or without a query */
export function routeAt (url: string, method: string, path: string): Route | undefined {
  const app = served.get(url)
  if (!app) return undefined
  const parts = path.split('?', 1)[0]!.split('/')
  const matches = routesOf(app).filter(route => {
    const names = route.path.split('/')
    return route.method === method && names.length === parts.length && names.every((name, index) => name.startsWith('{') || name === parts[index])
  })
  return matches.toSorted((a, b) => a.path.split('{').length - b.path.split('{').length)[0] // what is named goes before what is a parameter
}

function inputsOf ({ parameters = [], requestBody }: Operation): string[] {
  return [...parameters.map(({ name }) => name), ...propertiesOf(requestBody?.content?.['application/json']?.schema ?? {})]
}

/** The names of the properties of an object, or of all the objects that it may be. */
export function propertiesOf (schema: object): string[] {
  const { properties = {}, anyOf = [] } = schema as { properties?: object, anyOf?: object[] }
  return [...new Set([...Object.keys(properties), ...anyOf.flatMap(propertiesOf)])]
}

/** A request and its answer: what was taken is what the document says can be said, and so is what came. */
export function assertExchange (route: Route, status: number, body: unknown, request?: unknown): void {
  ok(route.responses[status] !== undefined || Object.hasOwn(route.responses, status), `${route.name} answers ${status}, which its document does not know`)
  if (status >= 400) {
    assertError(status, body)
    return ok(route.errors.includes(body.code), `${route.name} answers ${body.code}, which its document does not know`)
  }
  if (route.body !== undefined && request !== undefined) route.validators.assert(route.body, request, `${route.name}, its body`)
  const schema = route.responses[status]
  if (schema !== undefined) route.validators.assert(schema, body, `${route.name}, ${status}`)
}

/** Of whatever route, or of none. */
export function assertError (status: number, body: unknown): asserts body is { code: string, message: string, details?: unknown } {
  errorBodies.assert('#', body, `error ${status}`)
  const { statusCode, code, error } = body as { statusCode: number, code: string, error: string }
  ok(isErrorCode(code), `${code} is not a code of the contract`)
  ok(statusCode === status && new ApiError(code).statusCode === status, `${code} came with ${status}, and said ${statusCode}`)
  ok(error === STATUS_CODES[status], `error is "${error}"`)
}

/** A frame: the reply to this command, or an event. */
export function assertFrame (frame: Json, command?: CommandName): void {
  if (frame.type === 'error') return assertErrorFrame(frame, command)
  if (frame.re !== undefined) return assertReply(frame, command)
  const { type, chatId, previousRevision, revision } = frame
  const name = String(type)
  ok(Object.hasOwn(events, name), `${name} is not an event of the contract`)
  ok(Object.keys(frame).every(key => ENVELOPE.has(key)), `${name} has ${Object.keys(frame)}`)
  if (DURABLE.has(name)) ok(typeof chatId === 'string' && Number(revision) > Number(previousRevision), `${name} goes from ${previousRevision} to ${revision}`)
  frames().assert(`#/components/messages/event.${name}/payload`, frame, name)
}

/** What was sent, if the server took it. */
export function assertCommand (frame: Json): void {
  frames().assert(`#/components/messages/command.${frame.type}/payload`, frame, String(frame.type))
}

function assertReply (frame: Json, command: CommandName | undefined): void {
  ok(command, `a reply to nothing: ${JSON.stringify(frame)}`)
  frames().assert(`#/components/messages/reply.${command}/payload`, frame, `reply to ${command}`)
}

function assertErrorFrame (frame: Json, command: CommandName | undefined): void {
  frames().assert('#/components/messages/error/payload', frame, 'error')
  const { code, retryable } = frame.error as { code: string, retryable: boolean }
  ok(isErrorCode(code), `${code} is not a code of the contract`)
  ok(new ApiError(code).retryable === retryable, `${code} says retryable: ${retryable}`)
  if (command && Object.hasOwn(commands, command)) ok(errorsOfCommand(command).includes(code), `${command} answers ${code}, which its document does not know`)
}

/** The schema, and no property more. (Clients must bear new ones; here each has to be named.) */
export function closed (schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy: Json = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  const isOneOfSeveral = copy.oneOf !== undefined && copy.properties === undefined // each of which says what it has
  if (copy.type === 'object' && typeof copy.properties !== 'string' && !isOneOfSeveral) copy.additionalProperties ??= false
  return copy
}
