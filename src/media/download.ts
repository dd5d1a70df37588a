import { Readable } from 'node:stream'
import { contentDisposition } from './content-disposition.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '../errors.ts'
import { isInline } from './inspect/types.ts'
import type { ServedFile } from './service.ts'
import type { ByteRange, Storage } from './storage/storage.ts'

/**
 * Sends a file, or the part of it that is asked for. Whatever it is, a browser runs nothing of it: the type is the one that was found in
 * its bytes, and only pictures, films and sound are shown in a page. Caches ask each time, so that what may not be seen any more is not seen.
 */
export async function sendFile (storage: Storage, file: ServedFile, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const etag = `"${file.hash}"`
  reply.headers({
    etag,
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-security-policy': "sandbox; default-src 'none'",
    'cross-origin-resource-policy': 'cross-origin', // for <img> in the application's own pages
    'x-content-type-options': 'nosniff',
  })
  if (isKnown(request.headers['if-none-match'], etag)) return reply.code(304).send()

  const ifRange = request.headers['if-range']
  const range = ifRange === undefined || ifRange === etag ? rangeOf(request.headers.range, file.size) : undefined
  if (range === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${file.size}`).send()

  reply.code(range ? 206 : 200).headers({
    'content-type': file.mimeType,
    'content-disposition': contentDisposition(isInline(file.mimeType) ? 'inline' : 'attachment', file.fileName),
    'content-length': range ? range.end - range.start + 1 : file.size,
    ...(range && { 'content-range': `bytes ${range.start}-${range.end}/${file.size}` }),
  })
  if (request.method === 'HEAD') return reply.send(Readable.from([])) // (of nothing at all Fastify says that it has the length 0)
  const stream = await storage.readToPipe(file.key, range)
  if (stream) return reply.send(stream)
  request.log.error({ key: file.key }, 'a file has gone from the store')
  throw new ApiError('MEDIA_NOT_FOUND')
}

function isKnown (ifNoneMatch: string | undefined, etag: string): boolean {
  return ifNoneMatch !== undefined && ifNoneMatch.split(',').some(each => ['*', etag, `W/${etag}`].includes(each.trim()))
}

/** One range, as RFC 9110 has it; undefined: all of it is asked for, or something that need not be understood (several at once). */
export function rangeOf (header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first === '') return Number(last) === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - Number(last)), end: size - 1 }
  if (last !== '' && Number(last) < Number(first)) return undefined
  if (Number(first) >= size) return 'unsatisfiable'
  return { start: Number(first), end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}
