import { STATUS_CODES } from 'node:http'
import { commands } from '../contract.ts'
import { ApiError, type ErrorCode } from '../errors.ts'
import { errorsOfRequest, isCommand } from './errors.ts'
import { exampleOf } from './examples.ts'
import { componentSchemas, withReferences, type Json } from './references.ts'
import { TAGS } from './texts.ts'

/** A route as it was registered, as far as it is documented. */
export interface DocumentedRoute {
  url: string
  methods: string[]
  schema: { operationId?: string, errors?: readonly ErrorCode[], body?: unknown, response?: unknown, security?: unknown }
}

interface RequestBody { required?: boolean, content: Record<string, Json> }

interface Operation extends Json {
  operationId?: string
  parameters?: { name: string, schema: Json, example?: unknown }[]
  requestBody?: RequestBody
  responses: Record<string, Json>
}

export const DESCRIPTION = `Chat beside an application that you already have. Your application signs a JWT for each of its users (\`sub\` is the user's id); every request carries it as \`Authorization: Bearer …\`.

- **Live events** and all of this but files and administration: [the WebSocket reference](/docs/websocket), \`GET /api/v1/chat/ws\`.
- **Errors** are \`{ statusCode, code, error, message, details? }\`. Go by \`code\`. Exactly 429 and 503 are worth trying again as they are, sends with the same \`clientMessageId\`.
- **Lists** are \`{ data, nextCursor }\`: the next page is asked for with \`cursor\`, until it is null. The history goes by \`before\`, \`after\` and \`around\`.
- Ids of chats and files are UUIDs, of users the application's own; ids of messages are to be kept as they are.

To try it here: \`npm run token -- alice\` prints a token for development; put it under "Authorize".`

/** What is the same of every answer: what it means. */
const DONE: Record<string, string> = { 200: 'Done', 201: 'Made', 204: 'Done; there is no more to say', 206: 'The part that was asked for', 304: 'As it was' }

/**
 * `/openapi.json`: what @fastify/swagger has gathered of the routes, with the schemas as they were written, references to
 * the resources, the errors of each operation, and examples.
 */
export function openApiDocument (gathered: Json, routes: DocumentedRoute[]): Json {
  const paths = gathered.paths as Record<string, Record<string, Operation>>
  for (const { url, methods, schema } of routes) {
    const path = url.replace(/:(\w+)/g, '{$1}')
    for (const method of methods) {
      const operation = paths[path]?.[method.toLowerCase()]
      if (operation) paths[path]![method.toLowerCase()] = documented(operation, method, schema)
    }
  }
  const operations = Object.values(paths).flatMap(Object.values) as Operation[]
  const used = new Set(operations.flatMap(({ tags }) => tags as string[]))
  return {
    ...gathered,
    tags: Object.entries(TAGS).filter(([name]) => used.has(name)).map(([name, description]) => ({ name, description })),
    components: { ...gathered.components as Json, schemas: componentSchemas(paths, schema => exampleOf(schema)) },
  }
}

/** The errors that a route has of its own: those of the command that does the same, unless it says others. */
function ownErrors ({ operationId = '', errors }: DocumentedRoute['schema']): readonly ErrorCode[] {
  if (errors) return errors
  if (!isCommand(operationId)) throw new Error(`The route ${operationId} says neither its errors nor which command it is`)
  return commands[operationId].errors
}

function documented (operation: Operation, method: string, schema: DocumentedRoute['schema']): Operation {
  const { requestBody, responses, parameters, ...rest } = operation
  const codes = errorsOfRequest(ownErrors(schema), { method, hasBody: requestBody !== undefined })
  const answers = schema.response as Record<string, Json>
  const successes = Object.keys(responses).filter(status => !/^[45]XX$/.test(status))
  return {
    ...rest,
    // PUT and PATCH are one operation by two names, and an id can only be had once.
    operationId: method === 'PUT' && /^(edit_message|update_chat)$/.test(schema.operationId ?? '') ? `${schema.operationId}_by_put` : schema.operationId!,
    ...(parameters && { parameters: parameters.map(each => ({ ...each, ...(isAlwaysGiven(each) && { example: exampleOf(each.schema, each.name) }) })) }),
    ...(requestBody && { requestBody: withBody(requestBody, schema.body as Json) }),
    responses: {
      ...Object.fromEntries(successes.map(status => [status, answer(responses[status]!, answers[status] ?? {}, status, successes)])),
      ...errorResponses(codes),
    },
    'x-error-codes': codes,
  }
}

const isAlwaysGiven = (parameter: Json): boolean => parameter.required === true

function withBody (body: RequestBody, schema: Json): RequestBody {
  const content = Object.keys(body.content).map(type => [type, {
    schema: withReferences(schema), ...(type === 'application/json' && { example: exampleOf(schema) }),
  }])
  // Nothing said is an empty object: a body is needed only where something has to be said.
  return { required: !allows(schema), content: Object.fromEntries(content) }
}

const allows = ({ required = [], minProperties = 0, oneOf = [] }: Json): boolean => (required as unknown[]).length === 0 && minProperties === 0 && (oneOf as unknown[]).length === 0

function answer (given: Json, schema: Json, status: string, successes: string[]): Json {
  const description = given.description === 'Default Response' ? (status === '200' && successes.includes('201') ? 'It was there already' : DONE[status]) : given.description
  if (!given.content || 'content' in schema) return { ...given, description }
  return { ...given, description, content: { 'application/json': { schema: withReferences(schema), example: exampleOf(schema) } } }
}

/** One for each status, with the codes that come with it. */
function errorResponses (codes: ErrorCode[]): Record<string, Json> {
  const errors = codes.map(code => new ApiError(code))
  const statuses = [...new Set(errors.map(({ statusCode }) => statusCode))].sort((a, b) => a - b)
  return Object.fromEntries(statuses.map(status => {
    const those = errors.filter(({ statusCode }) => statusCode === status)
    const [{ code, message }] = those as [ApiError]
    return [status, {
      description: those.map(({ code, message }) => `\`${code}\`${message ? `: ${message}` : ''}`).join(' · '),
      content: {
        'application/json': {
          schema: { allOf: [{ $ref: '#/components/schemas/Error' }, { type: 'object', properties: { code: { enum: those.map(({ code }) => code) } } }] },
          example: { statusCode: status, code, error: STATUS_CODES[status], message: message || 'content is missing' },
        },
      },
    }]
  }))
}
