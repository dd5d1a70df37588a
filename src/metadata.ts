import { ApiError } from './errors.ts'

const MAX_BYTES = 8 * 1024
const MAX_DEPTH = 8

/** The application's own data on chats and messages: ≤ 8 KiB as JSON, ≤ 8 levels deep. @throws {ApiError} VALIDATION_FAILED */
export function assertMetadata (metadata: object | undefined): void {
  if (metadata === undefined) return
  if (Buffer.byteLength(JSON.stringify(metadata)) > MAX_BYTES) throw new ApiError('VALIDATION_FAILED', 'metadata may have 8 KiB', { details: { field: 'metadata' } })
  if (depthOf(metadata) > MAX_DEPTH) throw new ApiError('VALIDATION_FAILED', 'metadata may be 8 levels deep', { details: { field: 'metadata' } })
}

/** `parseJson` has bounded the depth already. */
function depthOf (value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}
