import { Type, type Static } from 'typebox'
import { ChatType } from '../chats/schemas.ts'
import { ChatId, Count, Nullable, Time, UserId } from '../primitives.ts'

const Seconds = Type.Number({ minimum: 0 })

/** What an operator looks at. Counters go up from the start of the process that answers: two answers tell a rate. */
export const Overview = Type.Object({
  at: Time,
  uptimeSeconds: Seconds,
  sockets: Type.Object({
    connections: Count,
    users: Count,
    chatsFollowed: Count,
    refused: Type.Integer({ ...Count, description: 'Because too many came at once; a counter' }),
    slowReadersCut: Type.Integer({ ...Count, description: 'A counter' }),
  }),
  messagesSent: Type.Integer({ ...Count, description: 'To PostgreSQL, by this process; a counter' }),
  deliveries: Type.Integer({ ...Count, description: 'Changes of chats, times the people here who were given them; a counter' }),
  gapsRepaired: Type.Integer({ ...Count, description: 'A counter' }),
  lag: Type.Object({
    count: Count,
    sumSeconds: Seconds,
    buckets: Type.Array(Type.Object({ upToSeconds: Seconds, count: Count }), { description: 'How many took no longer, ascending; who took longer than the last is in `count` alone' }),
  }, { description: 'From the commit of a change to the sockets here; counters' }),
  slowReaders: Type.Array(Type.Object({ connectionId: Type.String(), userId: UserId, unsentBytes: Count }), { maxItems: 10, description: 'Sockets that have not taken what they were sent; the most first' }),
  database: Type.Object({
    serverVersion: Type.String(),
    latencyMs: Type.Number({ minimum: 0, description: 'Of a statement that looks nothing up, with the wait for a connection' }),
    pool: Type.Object({ used: Count, idle: Count, waiting: Count }, { description: 'Connections of this process, and who waits for one' }),
    connections: Type.Integer({ ...Count, description: 'Of everybody to this database' }),
    maxConnections: Count,
    longestTransactionSeconds: Seconds,
    sizeBytes: Count,
  }),
  bus: Type.Object({ kind: Type.Enum(['memory', 'postgres', 'redis']), isUp: Type.Boolean() }),
  biggestChats: Type.Array(Type.Object({ chatId: ChatId, type: ChatType, name: Nullable(Type.String()), messageCount: Count, memberCount: Count, lastMessageAt: Nullable(Time) }), { maxItems: 10, description: 'As they were within the last half minute' }),
  openReports: Count,
})
export type Overview = Static<typeof Overview>
