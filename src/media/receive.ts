import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError, toApiError } from '../errors.ts'
import { save } from './spool.ts'

/** A file as it has come, on disk. */
export interface ReceivedFile { path: string, size: number, hash: string, fileName: string | undefined, isTooLarge: boolean }

/** The values of its fields are yet to be checked: a part that says it is JSON has been read as such. */
export interface ReceivedForm { files: ReceivedFile[], fields: Map<string, unknown> }

export interface ReceiveOptions {
  /** Where the files are put. It is there, and is the caller's to remove. */
  dir: string
  maxRequestBytes: number
  /** Told as soon as a field has come, so that what need not go on is not waited for. */
  onField: (name: string, value: unknown) => Promise<void>
  /** A client that sends nothing for so long has gone, whatever its connection says. */
  stalledMs?: number
}

const MAX_FILES = 10
/** What @fastify/multipart is registered with, for receiveForm: what it lets wait between two of its streams is more than comes at once, so that none stops the one before. */
export const FORM_OPTIONS = { highWaterMark: 256 * 1024, fileHwm: 256 * 1024 }
export const FORM_LIMITS = { files: MAX_FILES, fields: 10, parts: MAX_FILES + 10, fieldNameSize: 100, fieldSize: 1_000, headerPairs: 20, headerSize: 32 * 1024 }
const STALLED_MS = 30_000
/** So long a client has to read why its upload is refused while it is still sending. As nginx: lingering_timeout. */
const LINGER_MS = 5_000

/** A body of nothing but a file. @throws {ApiError} TOO_LARGE, VALIDATION_FAILED */
export function receiveBytes (request: IncomingMessage, path: string, maxBytes: number): Promise<{ size: number, hash: string }> {
  return receive(request, { maxBytes, stalledMs: STALLED_MS }, () => {
    const bytes = new PassThrough()
    request.on('error', error => bytes.destroy(error)).pipe(bytes)
    return save(bytes, path)
  })
}

/**
 * The parts of a multipart body: files to disk as they come, never held in memory. A file that is too large is marked, and the others go on.
 * @throws {ApiError} TOO_LARGE, VALIDATION_FAILED; what onField throws
 */
export function receiveForm (request: FastifyRequest, { dir, maxRequestBytes, onField, stalledMs = STALLED_MS }: ReceiveOptions): Promise<ReceivedForm> {
  return receive(request.raw, { maxBytes: maxRequestBytes, stalledMs }, async () => {
    const files: ReceivedFile[] = []
    const fields = new Map<string, unknown>()
    for await (const part of request.parts()) {
      if (part.type === 'file') {
        const path = join(dir, String(files.length))
        files.push({ path, ...await save(part.file, path), fileName: part.filename, isTooLarge: part.file.truncated })
      } else {
        if (part.valueTruncated) throw new ApiError('VALIDATION_FAILED', `${part.fieldname} is too long`)
        fields.set(part.fieldname, part.value)
        await onField(part.fieldname, part.value).catch((error: unknown) => { throw toApiError(error) })
      }
    }
    return { files, fields }
  })
}

/**
 * A body, read to its end by `read`, which takes to reading at once. That a client sends too much, or nothing at all, is made an error of the
 * request, where whoever reads from it listens: to destroy it would be to close the connection, which stays for the answer.
 */
async function receive<Result> (request: IncomingMessage, { maxBytes, stalledMs }: { maxBytes: number, stalledMs: number }, read: () => Promise<Result>): Promise<Result> {
  const giveUp = (error: ApiError) => request.emit('error', error)
  const stalled = setTimeout(() => { if (!request.complete) giveUp(new ApiError('VALIDATION_FAILED', 'The upload has stalled')) }, stalledMs)
  let left = maxBytes
  const count = (chunk: Buffer) => {
    stalled.refresh()
    left -= chunk.length
    if (left < 0) giveUp(new ApiError('TOO_LARGE'))
  }
  try {
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw new ApiError('TOO_LARGE')
    if (request.readableAborted) throw new ApiError('VALIDATION_FAILED', 'The request has been broken off')
    request.on('error', () => {}).on('data', count) // (an error that nobody listens to ends the process)
    return await read()
  } catch (error) {
    request.off('data', count).unpipe()
    throw reasonOf(error)
  } finally {
    clearTimeout(stalled)
  }
}

/** What is wrong with the disk is not the client's doing, anything else is. */
function reasonOf (error: unknown): unknown {
  if (error instanceof ApiError || !(error instanceof Error) || 'syscall' in error) return error
  const isTooMany = 'code' in error && ['FST_PARTS_LIMIT', 'FST_FILES_LIMIT', 'FST_FIELDS_LIMIT'].includes(String(error.code))
  return new ApiError('VALIDATION_FAILED', isTooMany ? `An upload has up to ${MAX_FILES} files, and few fields beside them` : 'The multipart body is malformed', { cause: error })
}

/**
 * For a body that has been refused and is still coming: the connection is not used again, but is closed so that the answer arrives. To close what has
 * bytes to be read is to reset it, and a reset overtakes the answer. So what comes is read and thrown away; behind the answer this side alone is
 * closed, and the whole when the client closes its own, or has had time enough to read.
 */
export function closeInTheEnd (request: IncomingMessage, reply: FastifyReply): void {
  if (request.complete) return
  reply.header('connection', 'close')
  const { socket } = request
  request.on('error', () => {}).resume()
  // What node:http closes a connection with behind its last answer.
  socket.destroySoon = () => {
    socket.end()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
  }
}
