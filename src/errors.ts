/**
 * Every error that a client can meet: its code, HTTP status and text. `%s` takes the argument of the constructor.
 * Exactly 429 and 503 are worth trying again as they are.
 */
const ERRORS = {
  VALIDATION_FAILED: [400, '%s'],
  TARGET_IS_SELF: [400, 'You cannot do this with yourself'],
  UNKNOWN_COMMAND: [400, 'There is no command of this type'],
  NOT_IN_CHAT: [400, 'Join the chat first'],
  TOKEN_MISSING: [401, 'A token is needed'],
  TOKEN_INVALID: [401, 'The token is not valid'],
  TOKEN_EXPIRED: [401, 'The token has expired'],
  ROLE_REQUIRED: [403, 'Your role does not allow this'],
  NOT_YOURS: [403, 'Only its author may do this'],
  CHAT_BLOCKED: [403, 'One of you has blocked the other'],
  CHAT_CLOSED: [403, 'The chat has been closed'],
  CHAT_READ_ONLY: [403, 'You may not send to this chat'],
  SILENCED: [403, 'You have been silenced in this chat'],
  USER_BANNED: [403, 'You have been banned'],
  REQUEST_PENDING: [403, 'This request has not been answered'],
  REQUEST_LIMIT: [403, 'You cannot ask more of somebody who has not agreed'],
  ORIGIN_REFUSED: [403, 'This origin is not in CORS_ORIGINS'],
  CHAT_NOT_FOUND: [404, 'There is no such chat, or you are not in it'],
  MESSAGE_NOT_FOUND: [404, 'There is no such message, or you may not see it'],
  USER_NOT_FOUND: [404, 'There is no such user, or you may not see them'],
  MEDIA_NOT_FOUND: [404, 'There is no such file, or you may not see it'],
  REPORT_NOT_FOUND: [404, 'There is no such report'],
  ROUTE_NOT_FOUND: [404, 'There is no such route'],
  MESSAGE_ID_CONFLICT: [409, 'This clientMessageId was used for another message'],
  EDIT_WINDOW_CLOSED: [409, 'The message is too old to be edited'],
  MESSAGE_DELETED: [409, 'The message has been deleted'],
  REPORT_RESOLVED: [409, 'The report has been resolved in another way'],
  ATTACHMENT_USED: [409, 'The file belongs to a message already'],
  LAST_OWNER: [409, 'A chat needs an owner'],
  CHAT_TAKEN: [409, 'Another agent has taken this chat'],
  EXTERNAL_REF_TAKEN: [409, 'Another chat has this externalRef'],
  EPOCH_CHANGED: [409, 'The history of the database has changed: start from a full sync'],
  TOO_LARGE: [413, 'The request is too large'],
  MEDIA_TYPE_REFUSED: [415, 'Files of this type are not taken'],
  REACTION_LIMIT: [422, 'A message can have 20 different reactions'],
  RATE_LIMITED: [429, 'Too many requests'],
  SLOW_MODE: [429, 'This chat is in slow mode'],
  INTERNAL: [500, 'Something went wrong on our side'],
  OVERLOADED: [503, 'The server is busy'],
  DATABASE_UNAVAILABLE: [503, 'The database is not available'],
  OUTCOME_UNKNOWN: [503, 'It is not known whether this has happened: send it again with the same key'],
} as const

export type ErrorCode = keyof typeof ERRORS
export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[]

export function isErrorCode (code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code)
}

/** A list of codes, as schemas have it of what an operation can be refused for. */
export const codes = <Code extends ErrorCode>(...list: Code[]): Code[] => list

interface ApiErrorOptions { details?: unknown, retryAfterMs?: number, cause?: unknown }

/** An error that the client is told. Throw it anywhere; `plugins/error-handler.ts` and `realtime/connection.ts` render it. */
export class ApiError extends Error {
  readonly code: ErrorCode
  readonly statusCode: number
  readonly details: unknown
  readonly retryAfterMs: number | undefined

  constructor (code: ErrorCode, argument = '', { details, retryAfterMs, cause }: ApiErrorOptions = {}) {
    const [statusCode, text] = ERRORS[code]
    super(text.replace('%s', () => argument), { cause })
    this.name = 'ApiError'
    this.code = code
    this.statusCode = statusCode
    this.details = details
    this.retryAfterMs = retryAfterMs
  }

  get retryable (): boolean {
    return this.statusCode === 429 || this.statusCode === 503
  }
}

/**
 * Why the database has rejected what it was asked for, by the code that one of its functions gives.
 * @param invalid what VALIDATION_FAILED means there
 */
export function refusal ({ code, retryAfterMs = null }: { code: string | null, retryAfterMs?: number | null }, invalid = ''): ApiError {
  if (!isErrorCode(code)) return new ApiError('INTERNAL', '', { cause: new Error(`The database says ${code}`) })
  return new ApiError(code, invalid, retryAfterMs === null ? {} : { retryAfterMs })
}

/** PostgreSQL's classes for "not now": connection exceptions, resources, shutting down, too many connections. */
const UNAVAILABLE = /^(08|53|57P0[123])/
const NETWORK_ERRORS = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'ETIMEDOUT', 'EHOSTUNREACH'])

/** Whether the database could not be reached or has gone away, as opposed to having refused what it was asked. */
export function isDatabaseUnavailable (error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof ApiError) return error.code === 'DATABASE_UNAVAILABLE'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return UNAVAILABLE.test(code) || NETWORK_ERRORS.has(code) ||
    /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error/.test(error.message) ||
    isDatabaseUnavailable(error.cause)
}

/** Whatever was thrown, as what the client is told. What is not meant for clients becomes INTERNAL, with the cause kept for the log. */
export function toApiError (error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (isLockTimeout(error)) return new ApiError('OVERLOADED', '', { retryAfterMs: 1000, cause: error })
  if (isDatabaseUnavailable(error)) return new ApiError('DATABASE_UNAVAILABLE', '', { cause: error })
  return new ApiError('INTERNAL', '', { cause: error })
}

function isLockTimeout (error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03'
}
