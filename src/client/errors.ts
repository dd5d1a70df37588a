/**
 * Why a command has failed. `code` is one of the server's (see contract), or one of the client's own:
 * CONNECTION_LOST (before the reply: it is not known whether the command was carried out), CLIENT_STOPPED.
 */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: string
  /** Whether the same command may be sent again as it is. */
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly details: unknown

  constructor (code: string, message: string, more: { retryable?: boolean, retryAfterMs?: number | undefined, details?: unknown } = {}) {
    super(message)
    this.code = code
    this.retryable = more.retryable ?? false
    this.retryAfterMs = more.retryAfterMs
    this.details = more.details
  }
}

export const connectionLost = (): ClientError => new ClientError('CONNECTION_LOST', 'The connection was lost before the reply came', { retryable: true })
export const clientStopped = (): ClientError => new ClientError('CLIENT_STOPPED', 'The client has been stopped')

export function hasCode (error: unknown, ...codes: string[]): boolean {
  return error instanceof ClientError && codes.includes(error.code)
}
