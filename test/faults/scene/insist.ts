import { setTimeout as pause } from 'node:timers/promises'
import { ClientError } from '../../../src/client/errors.ts'

const RETRY_MS = 50

/** Asks until there is an answer: of what the test itself wants to know. @throws what is no use asking again for */
export async function insist<Answer> (ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof ClientError) || !error.retryable) throw error
      await pause(RETRY_MS)
    }
  }
}
