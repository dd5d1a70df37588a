import { commands, type CommandName } from '../contract.ts'
import type { ErrorCode } from '../errors.ts'

/** Of whatever has to do with the server as a whole: any operation can meet them, over either door. */
const ANYWHERE: ErrorCode[] = ['VALIDATION_FAILED', 'RATE_LIMITED', 'OVERLOADED', 'DATABASE_UNAVAILABLE', 'INTERNAL']
/** Before a request comes to its route, or a command to its slice: the first ones may come before the socket is signed in. */
const OF_TOKENS: ErrorCode[] = ['TOKEN_MISSING', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'USER_BANNED']
/** Where something changes, it may have been done without a word. */
const OF_WRITES: ErrorCode[] = ['OUTCOME_UNKNOWN']

/** What a command can be answered with beside its reply: its own errors, and those of any command. */
export function errorsOfCommand (name: CommandName): ErrorCode[] {
  return unique([...commands[name].errors, ...ANYWHERE, ...OF_TOKENS, ...OF_WRITES])
}

/** What a request can be answered with. @param own errors of what it asks for */
export function errorsOfRequest (own: readonly ErrorCode[], { method, hasBody }: { method: string, hasBody: boolean }): ErrorCode[] {
  return unique([...own, ...ANYWHERE, ...OF_TOKENS, ...(method === 'GET' ? [] : OF_WRITES), ...(hasBody ? ['TOO_LARGE' as const] : [])])
}

export const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name)

const unique = (list: ErrorCode[]): ErrorCode[] => [...new Set(list)]
