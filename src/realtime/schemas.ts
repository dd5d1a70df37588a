import { Type, type Static } from 'typebox'
import { Input, Revision, Time, UserId } from '../primitives.ts'

export const Authenticate = Input({ token: Type.String({ minLength: 1, maxLength: 8192 }) })

export const Authenticated = Type.Object({
  userId: UserId,
  connectionId: Type.String({ format: 'uuid' }),
  epoch: Type.String({ description: 'Identity of the history of the database' }),
  inboxRevision: Revision,
  heartbeatMs: Type.Integer(),
  expiresAt: Time,
  at: Type.String({ ...Time, description: 'What the server’s clock says: a client’s may be wrong' }),
  limits: Type.Object({
    maxFrameBytes: Type.Integer(),
    maxCommandsInFlight: Type.Integer(),
    commandsPerSecond: Type.Number({ description: '0: no limit' }),
  }),
})
export type Authenticated = Static<typeof Authenticated>

/** A command: one JSON object a text frame. `data` has the schema of its type. */
export const CommandFrame = Input({
  id: Type.Optional(Type.Union([Type.Integer(), Type.String({ minLength: 1, maxLength: 64 })])),
  type: Type.String({ minLength: 1, maxLength: 64 }),
  data: Type.Optional(Type.Object({})),
})
export type CommandFrame = Static<typeof CommandFrame>

const Nothing = Type.Object({}, { additionalProperties: false })

export const commands = {
  authenticate: { data: Authenticate, reply: 'authenticated', result: Authenticated, errors: ['TOKEN_INVALID', 'TOKEN_EXPIRED', 'USER_BANNED'] },
  ping: { data: Nothing, reply: 'pong', result: Type.Object({}), errors: [] },
} as const

export const CommandError = Type.Object({
  code: Type.String(),
  message: Type.String(),
  retryable: Type.Boolean(),
  retryAfterMs: Type.Optional(Type.Integer()),
  details: Type.Optional(Type.Unknown()),
})

export const events = {
  authenticated: Authenticated,
  token_expiring: Type.Object({ inMs: Type.Integer() }),
  error: CommandError,
} as const
