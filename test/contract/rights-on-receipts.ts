import { cursor, refuse } from './refusals.ts'
import type { Refusal } from './rights.ts'

export const RECEIPT_CURSORS: Refusal[] = [
  refuse('zoe', 'MESSAGE_NOT_FOUND', ({ late }) => ({ messageId: late, cursor: cursor({ at: null, userId: 'a' }) })),
  refuse('bob', 'VALIDATION_FAILED', ({ late }) => ({ messageId: late, cursor: cursor({ at: 'now', userId: 'a' }) })),
]
