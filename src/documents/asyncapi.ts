import { commands, events, type CommandName, type EventName } from '../contract.ts'
import { ApiError } from '../errors.ts'
import { CommandError, CommandFrame } from '../realtime/schemas.ts'
import { ChatId, Revision } from '../primitives.ts'
import { errorsOfCommand } from './errors.ts'
import { exampleOf } from './examples.ts'
import { componentSchemas, withReferences, type Json } from './references.ts'
import { CLOSES, EVENTS, SOCKET_ONLY, TAGS, VERSION } from './texts.ts'

export const PATH = '/api/v1/chat/ws'

/** Frames that carry a revision of the chat: what is missed of them comes by `changes`. */
export const DURABLE = new Set<string>([
  'message_received', 'message_edited', 'message_deleted', 'history_trimmed', 'message_pinned', 'message_unpinned', 'reaction_added', 'reaction_removed',
  'chat_created', 'chat_updated', 'participant_joined', 'participant_left', 'participant_updated', 'revision_skipped',
] satisfies EventName[])
/** They name the chat, and are not kept for anybody. */
const OF_A_CHAT = new Set<string>([
  'changes', 'chat_deleted', 'messages_read', 'messages_delivered', 'unread_message', 'user_typing', 'user_stopped_typing', 'user_joined_chat', 'user_left_chat', 'viewer_count',
] satisfies EventName[])

const DESCRIPTION = `One JSON object a text frame.

- **Commands**: \`{ "id": 7, "type": "send_message", "data": { … } }\`. \`id\` is an integer or a string of up to 64 characters.
- **Replies**: \`{ "re": 7, "type": "message_sent", "data": { … } }\`, or \`{ "re": 7, "type": "error", "error": { "code", "message", "retryable", … } }\`.
- **Events**: \`{ "type": "message_received", "chatId", "previousRevision": 212, "revision": 213, "data": { … } }\`. What has no revision is not kept for anybody.

A reply and an event of one name share one schema of \`data\`; their order on a socket is not promised. Event types and fields that you do not know are to be ignored.

**Signing in**, any one of: the header \`Authorization: Bearer <jwt>\`; the subprotocols \`["parley.v1", "bearer.<jwt>"]\` (browsers; the server selects \`parley.v1\`); the command \`authenticate\` within 10 s. Never a token in the URL. The server says \`authenticated\`.

**Close codes.**

${CLOSES.map(([codes, meaning, then]) => `- **${codes}**: ${meaning}. Then ${then}.`).join('\n')}

The server pings every 25 s and drops who is silent for 35 s. Clients come back after a random time of 0 … min(30 s, 1 s · 2ⁿ).`

/** What the operations of REST say in words: those of the same name say it of commands, too. */
type Words = { tag: string, summary: string, description?: string | undefined }

/** `/asyncapi.json`. @param openApi the document of REST, whose words are those of the commands that do the same */
export function asyncApiDocument (openApi: Json): Json {
  const words = wordsOf(openApi)
  const messages: Record<string, Json> = { error: errorMessage() }
  const operations: Record<string, Json> = {}
  for (const name of Object.keys(commands) as CommandName[]) {
    messages[`command.${name}`] = commandMessage(name)
    messages[`reply.${name}`] = replyMessage(name)
    operations[name] = commandOperation(name, SOCKET_ONLY[name] ?? words.get(name))
  }
  for (const name of Object.keys(events) as EventName[]) {
    if (name !== 'error') messages[`event.${name}`] = eventMessage(name)
    operations[`on_${name}`] = eventOperation(name)
  }
  const tags = Object.entries(TAGS).filter(([tag]) => Object.values(operations).some(operation => tagOf(operation) === tag)).map(([name, description]) => ({ name, description }))
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Parley over WebSocket',
      version: VERSION,
      license: { name: 'MIT' },
      description: DESCRIPTION,
      tags,
    },
    defaultContentType: 'application/json',
    servers: { development: { host: 'localhost:3000', protocol: 'ws', description: 'As `make run` starts it. Behind TLS: wss.', security: [{ $ref: '#/components/securitySchemes/token' }] } },
    channels: Object.fromEntries(tags.map(({ name, description }) => [name, channel(description, Object.values(operations).filter(operation => tagOf(operation) === name))])),
    operations,
    components: {
      messages,
      schemas: componentSchemas(messages, schema => exampleOf(schema)),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Or by a subprotocol, or the first command: see above' } },
    },
  }
}

const tagOf = ({ tags }: Json): string => (tags as [{ name: string }])[0].name
const channelOf = (tag: string): Json => ({ $ref: `#/channels/${tag}` })
const inChannel = (tag: string, message: string): Json => ({ $ref: `#/channels/${tag}/messages/${message}` })

/** All of them are one socket: AsyncAPI's channel is the heading under which a part of it is told. */
function channel (description: string, operations: Json[]): Json {
  const names = operations.flatMap(({ messages, reply }) => [...messages as Json[], ...(reply ? (reply as { messages: Json[] }).messages : [])]).map(({ $ref }) => String($ref).split('/').at(-1))
  return {
    address: PATH,
    description,
    messages: Object.fromEntries([...new Set(names)].map(name => [name, { $ref: `#/components/messages/${name}` }])),
    bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
  }
}

const object = (properties: Json, required = Object.keys(properties)): Json => ({ type: 'object', required, properties })

function wordsOf ({ paths }: Json): Map<string, Words> {
  const operations = Object.values(paths as Record<string, Record<string, Json>>).flatMap(Object.values) as (Words & { operationId: string, tags: string[] })[]
  return new Map(operations.map(({ operationId, tags, summary, description }) => [operationId, { tag: tags[0]!, summary, description }]))
}

function commandOperation (name: CommandName, words: Words | undefined): Json {
  if (!words) throw new Error(`There are no words for the command ${name}`)
  const { tag, summary, description } = words
  return {
    action: 'receive',
    channel: channelOf(tag),
    title: name,
    summary,
    ...(description && { description }),
    tags: [{ name: tag }],
    messages: [inChannel(tag, `command.${name}`)],
    reply: { channel: channelOf(tag), messages: [inChannel(tag, `reply.${name}`), inChannel(tag, 'error')] },
    'x-error-codes': errorsOfCommand(name),
  }
}

function eventOperation (name: EventName): Json {
  const { tag, summary } = EVENTS[name]
  return { action: 'send', channel: channelOf(tag), title: name, summary, tags: [{ name: tag }], messages: [inChannel(tag, name === 'error' ? 'error' : `event.${name}`)] }
}

function message (name: string, title: string, payload: Json, example: Json): Json {
  return { name, title, payload: withReferences(payload), examples: [{ name, payload: example }] }
}

function commandMessage (name: CommandName): Json {
  const { data } = commands[name]
  const optional = allowsNothing(data as object as Json)
  const payload = object({ id: CommandFrame.properties.id, type: { const: name }, data }, optional ? ['type'] : ['type', 'data'])
  return message(name, `${name} (command)`, { ...payload, additionalProperties: false }, { id: 7, type: name, ...(!optional && { data: exampleOf(data) }) })
}

const allowsNothing = ({ required = [], minProperties = 0, oneOf = [] }: Json): boolean => (required as unknown[]).length === 0 && minProperties === 0 && (oneOf as unknown[]).length === 0

function replyMessage (name: CommandName): Json {
  const { reply, result } = commands[name]
  return message(reply, `${reply} (reply to ${name})`, object({ re: CommandFrame.properties.id, type: { const: reply }, data: result }), { re: 7, type: reply, data: exampleOf(result) })
}

function eventMessage (name: EventName): Json {
  const schema = events[name]
  const [previousRevision, revision] = [211, 212]
  const envelope = DURABLE.has(name) ? { chatId: ChatId, previousRevision: Revision, revision: Revision } : OF_A_CHAT.has(name) ? { chatId: ChatId } : {}
  const shown = { ...('chatId' in envelope && { chatId: exampleOf(ChatId, 'chatId') }), ...('revision' in envelope && { previousRevision, revision }) }
  const data = exampleOf(schema)
  return message(name, `${name} (event)`, object({ type: { const: name }, ...envelope, data: schema }), { type: name, ...shown, data })
}

function errorMessage (): Json {
  const { code, message: text, retryable } = new ApiError('CHAT_NOT_FOUND')
  return {
    ...message('error', 'error', object({ re: CommandFrame.properties.id, type: { const: 'error' }, error: CommandError }, ['type', 'error']), { re: 7, type: 'error', error: { code, message: text, retryable } }),
    summary: 'A command was refused. Without `re`: a frame whose id could not be read.',
  }
}
