import { rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ApiError } from '../../errors.ts'
import { Helpers } from './helpers.ts'
import type { Inspected } from './look.ts'

export type { Inspected }

const helpers = new Helpers()

/**
 * Looks at a whole file on disk. Never reads it into memory whole, never trusts its name, and does it in another process (helpers.ts).
 * What it makes is in workDir under the file's own name and more; where it throws, it leaves nothing there.
 * @throws {ApiError} MEDIA_TYPE_REFUSED, TOO_LARGE (pixels, frames), VALIDATION_FAILED (truncated, empty, takes too long), OVERLOADED
 */
export async function inspect (path: string, { isVoice, workDir }: { fileName: string, isVoice: boolean, workDir: string }): Promise<Inspected> {
  if ((await stat(path)).size === 0) throw new ApiError('VALIDATION_FAILED', 'The file is empty')
  const made = { cleanedPath: join(workDir, `${basename(path)}.cleaned`), thumbnailPath: join(workDir, `${basename(path)}.thumbnail`) }
  try {
    const answer = await helpers.look({ path, isVoice, ...made })
    if ('found' in answer) return answer.found
    if ('failed' in answer) throw new Error('A file could not be looked at', { cause: answer.failed })
    const { code, message, details, cause } = answer.refused
    throw new ApiError(code, message, { details, cause })
  } catch (error) {
    await Promise.all(Object.values(made).map(each => rm(each, { force: true })))
    throw error
  }
}
