import { ApiError } from './errors.ts'

/** Every command and every request is answered within this time, whatever the database does. (Sends give up a little earlier: the writer knows more of them.) */
export const ANSWER_WITHIN_MS = 9_500

/** @throws {ApiError} OUTCOME_UNKNOWN when it takes longer: the work goes on, but nobody waits for it */
export async function inTime<Result> (work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => reject(new ApiError('OUTCOME_UNKNOWN')), ANSWER_WITHIN_MS) })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
