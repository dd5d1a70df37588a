import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Static, TSchema } from 'typebox'
import { ApiError } from '../errors.ts'
import { assertStorable, parseJson } from '../json.ts'
import { Input } from '../primitives.ts'

// One validator for REST and WebSocket, so that both judge alike. (TypeBox's own counts a string's length in graphemes,
// PostgreSQL and JSON Schema in code points.)

const options = { useDefaults: true, removeAdditional: false, allErrors: false, strict: false, discriminator: true } as const
const strict = withFormats(new Ajv({ ...options, coerceTypes: false }))
/** Paths and queries are text: numbers in them have to be read. */
const coercing = withFormats(new Ajv({ ...options, coerceTypes: 'array' }))

function withFormats (ajv: Ajv): Ajv {
  addFormats.default(ajv, ['uuid', 'date-time', 'uri'])
  return ajv
}

const MESSAGES: Record<string, string> = {
  required: 'is missing',
  additionalProperties: 'is not known here',
  oneOf: 'has to name exactly one of its alternatives',
  discriminator: 'is not one of those that can be made',
  minProperties: 'has nothing to change',
}

/** Which field, and what is wrong with it: `participantIds/3 must be string`. */
function describe (errors: ErrorObject[], root: string): { text: string, details: object } {
  const first = errors.find(error => error.keyword === 'oneOf') ?? errors[0]
  if (!first) return { text: `${root} is not valid`, details: {} }
  const named = first.params.missingProperty ?? first.params.additionalProperty ?? first.params.tag
  const path = first.instancePath.slice(1).replaceAll('/', '.')
  const field = [path, named].filter(Boolean).join('.') || root
  const message = MESSAGES[first.keyword] ?? first.message ?? 'is not valid'
  return { text: `${field} ${message}`, details: { field, message } }
}

export function validationError (errors: ErrorObject[], root: string): ApiError {
  const { text, details } = describe(errors, root)
  return new ApiError('VALIDATION_FAILED', text, { details })
}

/** A check of what came in a frame. It fills defaults in. */
export function compile<Schema extends TSchema> (schema: Schema, root: string): (value: unknown) => Static<Schema> {
  const validate: ValidateFunction<Static<Schema>> = strict.compile<Static<Schema>>(schema)
  return value => {
    if (validate(value)) return value
    throw validationError(validate.errors ?? [], root)
  }
}

const checkNothing = compile(Input({}), 'request')

/** REST bodies are checked as frames are; path and query are read as numbers and booleans where these are asked for. */
export const validation = fp(async app => {
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    const validate = (httpPart === 'body' ? strict : coercing).compile(schema)
    return (value: unknown) => {
      if (httpPart !== 'body') assertStorable(value)
      return validate(value) ? { value } : { error: validationError(validate.errors ?? [], httpPart ?? 'request') }
    }
  })
  app.addHook('preValidation', async request => {
    const { schema } = request.routeOptions
    if (!schema?.response) return // not of the API
    if (request.body === undefined && schema.body) request.body = {} // no body says as much as an empty object
    // Where nothing is taken, nothing that a client says is dropped in silence either.
    if (!schema.body && request.body !== undefined) checkNothing(request.body)
    if (!schema.querystring) checkNothing(request.query)
  })
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: FastifyRequest, body: string) => body === '' ? undefined : parseJson(body))
}, { name: 'validation' })
