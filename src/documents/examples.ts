import { nameOf, type Json } from './references.ts'

// One small story, told by all examples: alice writes to bob in a group of theirs. What they show is held against the schemas by a test.

const CHAT = '01982f5c-6c1e-7d2a-9b1f-3f0a5c9d7e21'
const FILE = '01982f5d-0b7a-7c44-8a52-6d1e2f3a4b5c'
const REPORT = '01982f60-2f10-7e3b-a6c4-0d9e8f7a6b5c'
const MESSAGE = `${CHAT}.42`
const AT = '2026-11-21T09:30:00.000Z'
const LATER = '2026-11-21T09:35:00.000Z'
const alice = { id: 'alice', displayName: 'Alice', avatarUrl: 'https://example.com/alice.png' }

/** What a property of this name shows, wherever it is. */
const PROPERTIES: Json = {
  accepted: true,
  actorId: 'alice',
  assigneeId: 'gus',
  at: AT,
  attachmentIds: [FILE],
  chatId: CHAT,
  chatIds: [CHAT],
  clientMessageId: 'a-key-of-my-own-1',
  code: 'CHAT_NOT_FOUND',
  commandsPerSecond: 20,
  connectionId: '7b0d2c86-5a57-4a0e-9d0e-2f6f0f4f7c11',
  content: 'Shall we meet at noon?',
  createdAt: AT,
  createdById: 'alice',
  cursor: 'eyJzZXEiOjQyfQ',
  date: '2026-11-21',
  deliveredSeq: 42,
  emoji: '👍',
  epoch: '5f0c1d2e3b4a5968',
  error: 'Not Found',
  expiresAt: LATER,
  fileName: 'map.png',
  heartbeatMs: 25_000,
  id: FILE,
  inMs: 60_000,
  inboxRevision: 8,
  joinRevision: 1,
  joinedAt: AT,
  lastOrdinalSeq: 42,
  lastRevision: 57,
  lastSeq: 42,
  lastSeenAt: AT,
  maxCommandsInFlight: 32,
  maxFrameBytes: 262_144,
  mediaId: FILE,
  memberCount: 3,
  message: 'There is no such chat, or you are not in it',
  messageCount: 40,
  messageId: MESSAGE,
  messageIds: [MESSAGE],
  mimeType: 'image/png',
  minSeq: 1,
  name: 'Lunch',
  onlineCount: 1,
  onlineUsers: ['alice'],
  participantIds: ['bob', 'carol'],
  previousInboxRevision: 7,
  q: 'noon',
  readSeq: 40,
  reason: 'SPAM',
  replacedAt: AT,
  reportId: REPORT,
  reporterId: 'bob',
  resolution: 'DISMISSED',
  restorableUntil: LATER,
  revision: 57,
  senderId: 'alice',
  seq: 42,
  seconds: 600,
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  since: 50,
  size: 48_213,
  snippet: [{ text: 'Shall we meet at ', match: false }, { text: 'noon', match: true }, { text: '?', match: false }],
  statusCode: 404,
  targetUserId: 'bob',
  token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6MTc5NTI1MzQwMH0.c2lnbmF0dXJl',
  totalUnread: 5,
  transfer: false,
  unreadCount: 2,
  upTo: 57,
  upToSeq: 42,
  updatedAt: AT,
  uploadedAt: AT,
  uploaderId: 'alice',
  url: `/api/v1/chat/media/${FILE}`,
  userId: 'bob',
  userIds: ['bob'],
  version: 1,
  viewerCount: 2,
  visibleFromSeq: 1,
  voice: 'false',
}

/** Of the properties that can be left out, those that most people will want. */
const SHOWN = new Set(['content', 'clientMessageId', 'upToSeq'])

/** What the resources show in other words than their properties would. */
const OF_RESOURCES: Record<string, Json> = {
  AdminReport: { id: REPORT, reason: 'SPAM' },
  Ban: { userId: 'mallory', bannedUntil: LATER, reason: 'SPAM' },
  Chat: { id: CHAT, type: 'GROUP', name: 'Lunch', metadata: {}, labels: { team: 'kitchen' } },
  CommandError: { message: 'There is no such chat, or you are not in it', retryable: false },
  Me: { ...alice, metadata: {} },
  Membership: { archivedSeq: null, clearedSeq: 0, invitedById: null, state: 'JOINED' },
  Message: { id: MESSAGE, attachments: [], metadata: {}, mentions: { userIds: ['bob'], all: false }, reactions: [{ emoji: '👍', count: 1, userIds: ['bob'] }], clientMessageId: 'a-key-of-my-own-1' },
  Participant: { role: 'MEMBER', state: 'JOINED' },
  Presence: { status: 'ONLINE', lastSeenAt: null },
  Report: { id: REPORT, status: 'OPEN' },
  Stats: { byType: [{ type: 'TEXT', count: 40 }] },
  User: alice,
  Users: { alice },
}

/** A value that the schema allows. @param name of the property that has it */
export function exampleOf (described: object, name = ''): unknown {
  const schema = described as Json
  const resource = nameOf(schema)
  if (resource) return ofObject((schema.anyOf as Json[] | undefined)?.[0] ?? schema, OF_RESOURCES[resource])
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  if (schema.oneOf && !schema.properties) return exampleOf((schema.oneOf as Json[])[0]!, name)
  if (schema.anyOf) return ofAlternatives(schema.anyOf as Json[], name)
  if (schema.type === 'object') return ofObject(schema)
  if (Object.hasOwn(PROPERTIES, name)) return PROPERTIES[name]
  if (schema.type === 'array') return [exampleOf(schema.items as Json, name)]
  return ofPrimitive(schema)
}

/** null, where that is one of them and the name says nothing. */
function ofAlternatives (alternatives: Json[], name: string): unknown {
  const [first, ...others] = alternatives as [Json, ...Json[]]
  const canBeNull = others.some(({ type }) => type === 'null')
  return canBeNull && !Object.hasOwn(PROPERTIES, name) && nameOf(first) === undefined ? null : exampleOf(first, name)
}

function ofObject ({ properties = {}, required = [], oneOf = [], minProperties = 0 }: Json, special: Json = {}): Json {
  const all = Object.entries(properties as Record<string, Json>)
  const chosen = new Set([...required as string[], ...((oneOf as Json[])[0]?.required as string[] ?? [])])
  for (const [name] of all) if (SHOWN.has(name) || Object.hasOwn(special, name)) chosen.add(name)
  for (const [name] of all) if (chosen.size < (minProperties as number)) chosen.add(name)
  const shown = all.filter(([name]) => chosen.has(name)).map(([name, schema]) => [name, Object.hasOwn(special, name) ? special[name] : exampleOf(schema, name)])
  return { ...Object.fromEntries(shown), ...(all.length === 0 && special) }
}

function ofPrimitive ({ type, format, minimum = 0 }: Json): unknown {
  switch (type) {
    case 'boolean': return false
    case 'integer':
    case 'number': return minimum
    case 'null': return null
    case 'string': return format === 'date-time' ? AT : format === 'uuid' ? FILE : 'text'
    default: return {}
  }
}
