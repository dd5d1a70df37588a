import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import sharp from 'sharp'
import type { FastifyInstance } from 'fastify'
import { PREFIX } from './contract.ts'
import type { Parley } from './parley.ts'

export interface FormFile { name?: string, bytes: Buffer | string, type?: string }

export interface UploadAnswer {
  status: number
  body: {
    code?: string
    data: { fileName: string, attachment?: Attached, messageType?: string, error?: { code: string } }[]
    summary: { totalAttempted: number, successful: number, failed: number }
    details?: UploadAnswer['body']
  }
}

interface Attached { id: string, kind: string, fileName: string, size: number, mimeType: string, url: string, thumbnailUrl: string | null, [more: string]: unknown }

/** POST /media, with the files in a form. */
export async function upload ({ url, token }: Pick<Parley, 'url' | 'token'>, userId: string, chatId: string | undefined, files: FormFile[], fields: Record<string, string> = {}): Promise<UploadAnswer> {
  const form = new FormData()
  for (const [name, value] of Object.entries({ ...(chatId !== undefined && { chatId }), ...fields })) form.append(name, value)
  for (const { name = 'file.txt', bytes, type } of files) form.append('files', new Blob([new Uint8Array(Buffer.from(bytes))], type === undefined ? {} : { type }), name)
  const response = await fetch(`${url}${PREFIX}/media`, { method: 'POST', headers: { authorization: `Bearer ${token(userId)}` }, body: form })
  return { status: response.status, body: await response.json() as UploadAnswer['body'] }
}

/** One file that is taken. */
export async function uploadOne (parley: Pick<Parley, 'url' | 'token'>, userId: string, chatId: string, file: FormFile, fields: Record<string, string> = {}): Promise<Attached> {
  const { status, body } = await upload(parley, userId, chatId, [file], fields)
  const attachment = body.data?.[0]?.attachment
  if (status !== 201 || !attachment) throw new Error(`${status}: ${JSON.stringify(body)}`)
  return attachment
}

/** One file of any size, whose bytes come as they are asked for; where it ends early the request stays open. Its answer. */
export function uploadSlowly ({ url, token }: Pick<Parley, 'url' | 'token'>, userId: string, chatId: string, bytes: Readable): Promise<{ status: number, body: UploadAnswer['body'] }> {
  const boundary = 'a-boundary-of-ours'
  const head = [`name="chatId"\r\n\r\n${chatId}`, 'name="file"; filename="large.txt"\r\n\r\n'].map(part => `--${boundary}\r\ncontent-disposition: form-data; ${part}`).join('\r\n')
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${PREFIX}/media`, { method: 'POST', headers: { authorization: `Bearer ${token(userId)}`, 'content-type': `multipart/form-data; boundary=${boundary}` } })
    sent.on('error', reject)
    sent.on('response', response => { json(response).then(body => resolve({ status: response.statusCode ?? 0, body: body as UploadAnswer['body'] }), reject) })
    sent.write(head)
    bytes.on('end', () => sent.end(`\r\n--${boundary}--\r\n`)).pipe(sent, { end: false })
  })
}

/** GET, with a token or by a signed URL. */
export async function download ({ url, token }: Pick<Parley, 'url' | 'token'>, path: string, { as, headers = {}, method = 'GET' }: { as?: string, headers?: Record<string, string>, method?: string } = {}) {
  const response = await fetch(`${url}${path}`, { method, headers: { ...(as !== undefined && { authorization: `Bearer ${token(as)}` }), ...headers } })
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}

/** A picture of so many pixels; the same for the same color. */
export function picture (color: string, width = 640, height = 480): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: color } }).jpeg().toBuffer()
}

/** All files that there are for it, by their paths: in the store and in passing. */
export async function filesOf (dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name).slice(dir.length + 1)).toSorted()
}

/** The job that takes away what nobody needs. */
export function sweep ({ jobs }: FastifyInstance): Promise<object> {
  return jobs.run('sweep-media')
}
