import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyRequest } from 'fastify'
import { ApiError, toApiError } from '../errors.ts'

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
}

const MAX_FILES = 10
/** What @fastify/multipart is registered with, for receiveForm. */
export const FORM_LIMITS = { files: MAX_FILES, fields: 10, parts: MAX_FILES + 10, fieldNameSize: 100, fieldSize: 1_000, headerPairs: 20, headerSize: 32 * 1024 }
/** A client that sends nothing for so long has gone, whatever its connection says. */
const STALLED_MS = 30_000
/** What may wait for the disk while more comes in: it is written in one go. */
const WRITE_AHEAD_BYTES = 1024 * 1024
/** So much, and so long, is read and thrown away of a body that is not wanted any more: most clients read no answer before they have said everything. */
const LINGER_BYTES = 16 * 1024 * 1024
const LINGER_MS = 1_000

/** A stream into a file, with its length and SHA-256 in hexadecimal. */
export async function save (from: Readable, path: string): Promise<{ size: number, hash: string }> {
  const hash = createHash('sha256')
  let size = 0
  await pipeline(from, async function * (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk)
      size += chunk.length
      yield chunk
    }
  }, createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: WRITE_AHEAD_BYTES }))
  return { size, hash: hash.digest('hex') }
}

/** A body of nothing but a file. @throws {ApiError} TOO_LARGE, VALIDATION_FAILED */
export function receiveBytes (request: IncomingMessage, path: string, maxBytes: number): Promise<{ size: number, hash: string }> {
  return receive(request, maxBytes, () => {
    const bytes = new PassThrough()
    request.on('error', error => bytes.destroy(error)).pipe(bytes)
    return save(bytes, path)
  })
}

/**
 * The parts of a multipart body: files to disk as they come, never held in memory. A file that is too large is marked, and the others go on.
 * @throws {ApiError} TOO_LARGE, VALIDATION_FAILED; what onField throws
 */
export function receiveForm (request: FastifyRequest, { dir, maxRequestBytes, onField }: ReceiveOptions): Promise<ReceivedForm> {
  return receive(request.raw, maxRequestBytes, async () => {
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
async function receive<Result> (request: IncomingMessage, maxBytes: number, read: () => Promise<Result>): Promise<Result> {
  const giveUp = (error: ApiError) => request.emit('error', error)
  const stalled = setTimeout(() => { if (!request.complete) giveUp(new ApiError('VALIDATION_FAILED', 'The upload has stalled')) }, STALLED_MS)
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
    await linger(request)
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

async function linger (request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return
  await new Promise<void>(resolve => {
    let left = LINGER_BYTES
    const timer = setTimeout(done, LINGER_MS)
    const count = (chunk: Buffer) => { if ((left -= chunk.length) < 0) done() }
    function done (): void {
      clearTimeout(timer)
      request.off('data', count).off('end', done).off('close', done)
      request.pause()
      resolve()
    }
    request.on('data', count).on('end', done).on('close', done)
    request.resume()
  })
}
