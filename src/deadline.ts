import { ApiError } from './errors.ts'

/** Every command and every request is answered within this time, whatever the database does. */
export const ANSWER_WITHIN_MS = 9_500
/** A change that has not got its turn by then is not begun any more: it would not be settled in time. (A read takes milliseconds, and may wait to the end.) */
export const BEGIN_WITHIN_MS = 8_000

const RETRY_MS = 1_000

/** Of what has not been begun, or changes nothing. */
export const notNow = (): ApiError => new ApiError('OVERLOADED', '', { retryAfterMs: RETRY_MS })

/** @param late what is thrown when it takes longer: it goes on, but nobody waits for it */
export async function inTime<Result> (work: Promise<Result>, late: () => ApiError, withinMs = ANSWER_WITHIN_MS): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => reject(late()), withinMs) })
  try {
    return await Promise.race([work, end])
  } finally {
    clearTimeout(timer)
  }
}
