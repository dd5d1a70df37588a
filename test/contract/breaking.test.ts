// Each change that would break a client is found, and none that would not.
import t from 'tap'
import { breakingChanges } from './breaking.ts'

type Json = Record<string, unknown>

const message = { type: 'object', required: ['id', 'type'], properties: { id: { type: 'string' }, type: { enum: ['TEXT', 'FILE'] }, content: { anyOf: [{ type: 'string' }, { type: 'null' }] }, replyTo: { $ref: '#/components/schemas/Message' } } }
const body = { type: 'object', required: ['content'], properties: { content: { type: 'string', maxLength: 100 }, type: { enum: ['TEXT', 'FILE'] }, limit: { type: 'integer', minimum: 1 } } }
const json = (schema: Json) => ({ content: { 'application/json': { schema } } })

const REST: Json = {
  openapi: '3.1.0',
  paths: {
    '/messages': {
      post: { parameters: [{ in: 'query', name: 'limit', required: false, schema: { type: 'integer' } }], requestBody: { required: true, ...json(body) }, responses: { 201: json({ $ref: '#/components/schemas/Message' }), 404: {} } },
      get: { responses: { 200: json({ type: 'array', items: { $ref: '#/components/schemas/Message' } }) } },
    },
  },
  components: { schemas: { Message: message } },
}
const SOCKET: Json = {
  asyncapi: '3.0.0',
  components: { messages: { 'command.send': { payload: { type: 'object', properties: { data: body } } }, 'event.sent': { payload: { type: 'object', properties: { data: { $ref: '#/components/schemas/Message' } } } } }, schemas: { Message: message } },
}

/** The document, otherwise at a path: undefined takes away. */
function otherwise (document: Json, path: string, value: unknown): Json {
  const copy = structuredClone(document)
  const keys = path.split(' ')
  const last = keys.pop()!
  const parent = keys.reduce<Json>((inner, key) => inner[key] as Json, copy)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return copy
}

const POST = 'paths /messages post'
const BODY = `${POST} requestBody content application/json schema`
const MESSAGE = 'components schemas Message'
const COMMAND = 'components messages command.send payload properties data'

const BREAKING: [what: string, document: Json, path: string, value: unknown, found: string][] = [
  ['an operation', REST, 'paths /messages get', undefined, 'GET /messages has gone'],
  ['an answer', REST, `${POST} responses 201`, undefined, 'POST /messages: the answer 201 has gone'],
  ['a parameter', REST, `${POST} parameters`, [], 'POST /messages: the parameter limit has gone'],
  ['a parameter that is required now', REST, `${POST} parameters 0 required`, true, 'POST /messages: the parameter limit is required now'],
  ['a parameter of another type', REST, `${POST} parameters 0 schema type`, 'boolean', 'POST /messages limit: was number, is boolean (sent by clients)'],
  ['a property of answers', REST, `${MESSAGE} properties content`, undefined, 'Message.content has gone (sent to clients)'],
  ['a renamed property of answers', REST, `${MESSAGE} properties`, { ...message.properties, content: undefined, text: message.properties.content }, 'Message.content has gone (sent to clients)'],
  ['a property of answers that may be missing', REST, `${MESSAGE} required`, ['id'], 'Message.type may be missing now'],
  ['a property of answers that may be null', REST, `${MESSAGE} properties id`, { anyOf: [{ type: 'string' }, { type: 'null' }] }, 'Message.id: was string, is null or string (sent to clients)'],
  ['a property of requests', REST, `${BODY} properties limit`, undefined, 'POST /messages body.limit has gone (sent by clients)'],
  ['a new property that requests need', REST, `${BODY} required`, ['content', 'type'], 'POST /messages body.type is required now'],
  ['a narrower enum', REST, `${BODY} properties type enum`, ['TEXT'], 'POST /messages body.type: FILE not taken any more'],
  ['a lower limit', REST, `${BODY} properties content maxLength`, 50, 'POST /messages body.content: maxLength was 100, is 50'],
  ['a higher minimum', REST, `${BODY} properties limit minimum`, 5, 'POST /messages body.limit: minimum was 1, is 5'],
  ['a body of another type', REST, `${POST} requestBody content`, { 'text/plain': {} }, 'POST /messages body: application/json has gone'],
  ['a command', SOCKET, 'components messages command.send', undefined, 'command.send has gone'],
  ['an event', SOCKET, 'components messages event.sent', undefined, 'event.sent has gone'],
  ['what a command needs', SOCKET, `${COMMAND} required`, ['content', 'limit'], 'command.send.data.limit is required now'],
  ['what an event says', SOCKET, `${MESSAGE} properties id`, undefined, 'Message.id has gone (sent to clients)'],
]

for (const [what, document, path, value, found] of BREAKING) {
  t.test(`found: ${what}`, async t => {
    t.ok(breakingChanges(document, otherwise(document, path, value)).includes(found), `${found}; found ${breakingChanges(document, otherwise(document, path, value)).join('; ')}`)
  })
}

const HARMLESS: [what: string, document: Json, path: string, value: unknown][] = [
  ['nothing', REST, 'openapi', '3.1.0'],
  ['a new operation', REST, 'paths /messages delete', { responses: {} }],
  ['another property in answers', REST, `${MESSAGE} properties pinned`, { type: 'boolean' }],
  ['a property that answers have always', REST, `${MESSAGE} required`, ['id', 'type', 'content']],
  ['another property that requests can have', REST, `${BODY} properties metadata`, { type: 'object' }],
  ['a property that requests need no more', REST, `${BODY} required`, []],
  ['a wider enum', REST, `${BODY} properties type enum`, ['TEXT', 'FILE', 'VOICE']],
  ['a higher limit', REST, `${BODY} properties content maxLength`, 200],
  ['an answer that is never null now', REST, `${MESSAGE} properties content`, { type: 'string' }],
  ['a request that may be null now', REST, `${BODY} properties content`, { anyOf: [{ type: 'string', maxLength: 100 }, { type: 'null' }] }],
  ['a new event', SOCKET, 'components messages event.other', { payload: {} }],
]

for (const [what, document, path, value] of HARMLESS) {
  t.test(`let through: ${what}`, async t => { t.strictSame(breakingChanges(document, otherwise(document, path, value)), []) })
}
t.end()
