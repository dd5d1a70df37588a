import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy'
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Transform, type Readable, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ApiError } from '../errors.ts'

/** A file as it has come, on disk. */
export interface ReceivedFile { path: string, size: number, hash: string, fileName: string | undefined, isTooLarge: boolean }

export interface ReceivedForm { files: ReceivedFile[], fields: Map<string, string> }

export interface ReceiveOptions {
  /** Where the files are put. It is there, and is the caller's to remove. */
  dir: string
  maxBytes: number
  maxRequestBytes: number
  /** Told as soon as a field has come, so that what need not go on is not waited for. */
  onField: (name: string, value: string) => Promise<void>
}

const MAX_FILES = 10
const LIMITS = { files: MAX_FILES, fields: 10, parts: MAX_FILES + 10, fieldNameSize: 100, fieldSize: 1_000, headerPairs: 20, headerSize: 32 * 1024 }
/** A client that sends nothing for so long has gone, whatever its connection says. */
const STALLED_MS = 30_000
/** What may wait for the disk while more comes in: it is written in one go. */
const WRITE_AHEAD_BYTES = 1024 * 1024
/** So much, and so long, is read and thrown away of a body that is not wanted any more: most clients read no answer before they have said everything. */
const LINGER_BYTES = 16 * 1024 * 1024
const LINGER_MS = 1_000

/** Counts what comes, and gives up on who sends too much or nothing at all. */
class Meter extends Transform {
  readonly #limit: number
  readonly #stalled: NodeJS.Timeout
  #count = 0

  constructor (limit: number) {
    super()
    this.#limit = limit
    this.#stalled = setTimeout(() => this.destroy(new ApiError('VALIDATION_FAILED', 'The upload has stalled')), STALLED_MS)
    this.once('close', () => clearTimeout(this.#stalled))
  }

  get count (): number {
    return this.#count
  }

  override _transform (chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#stalled.refresh()
    this.#count += chunk.length
    if (this.#count > this.#limit) done(new ApiError('TOO_LARGE'))
    else done(null, chunk)
  }
}

/** The body, metered. It ends with an error when the client goes away; when it is destroyed the connection stays, for the answer. */
function bodyOf (request: IncomingMessage, limit: number): Meter {
  const meter = new Meter(limit)
  meter.on('error', () => {}) // whoever reads it is told; an error that nobody listens to ends the process
  const gone = () => { if (!request.readableEnded) meter.destroy(new ApiError('VALIDATION_FAILED', 'The request has been broken off')) }
  request.once('close', gone)
  meter.once('close', () => request.off('close', gone))
  request.pipe(meter)
  if (request.destroyed) gone()
  return meter
}

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
export async function receiveBytes (request: IncomingMessage, path: string, maxBytes: number): Promise<{ size: number, hash: string }> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw await refused(request, new ApiError('TOO_LARGE'))
  try {
    return await save(bodyOf(request, maxBytes), path)
  } catch (error) {
    throw await refused(request, error)
  }
}

/**
 * The parts of a multipart body: files to disk as they come, never held in memory. A file that is too large is marked, and the others go on.
 * @throws {ApiError} TOO_LARGE, VALIDATION_FAILED; what onField throws
 */
export async function receiveForm (request: IncomingMessage, { dir, maxBytes, maxRequestBytes, onField }: ReceiveOptions): Promise<ReceivedForm> {
  if (Number(request.headers['content-length'] ?? 0) > maxRequestBytes) throw await refused(request, new ApiError('TOO_LARGE'))
  const fields = new Map<string, string>()
  const saving: Promise<ReceivedFile>[] = []
  const open = new Set<Readable>()
  const parser = parserOf(request.headers, maxBytes)
  if (parser instanceof ApiError) throw await refused(request, parser)
  const body = bodyOf(request, maxRequestBytes)
  const giveUp = (error: Error) => { body.destroy(error) }

  try {
    for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) parser.on(limit, () => giveUp(new ApiError('VALIDATION_FAILED', `An upload has up to ${MAX_FILES} files, and few fields beside them`)))
    parser.on('field', (name, value, _nameTruncated, valueTruncated) => {
      if (valueTruncated) return giveUp(new ApiError('VALIDATION_FAILED', `${name} is too long`))
      fields.set(name, value)
      onField(name, value).catch(giveUp)
    })
    parser.on('file', (_field, stream, fileName: string | undefined) => {
      const path = join(dir, String(saving.length))
      open.add(stream)
      const saved = save(stream, path).then(({ size, hash }) => ({ path, size, hash, fileName, isTooLarge: stream.truncated }))
      saved.then(() => open.delete(stream), giveUp)
      saving.push(saved)
    })
    await pipeline(body, parser)
    return { files: await Promise.all(saving), fields }
  } catch (error) {
    body.destroy()
    for (const stream of open) stream.destroy(error instanceof Error ? error : undefined)
    await Promise.allSettled(saving) // nobody writes there any more
    throw await refused(request, error)
  }
}

function parserOf (headers: IncomingMessage['headers'], fileSize: number): BusboyInstance | ApiError {
  try {
    return new Busboy({ headers: headers as BusboyHeaders, limits: { ...LIMITS, fileSize } })
  } catch (cause) {
    return new ApiError('VALIDATION_FAILED', 'This is not multipart/form-data', { cause })
  }
}

/** Why it came to nothing, once the rest of it is out of the way. What is wrong with the disk is not the client's doing, anything else is. */
async function refused (request: IncomingMessage, error: unknown): Promise<unknown> {
  await linger(request)
  if (error instanceof ApiError) return error
  if (error instanceof Error && 'syscall' in error) return error
  return new ApiError('VALIDATION_FAILED', 'The multipart body is malformed', { cause: error })
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
