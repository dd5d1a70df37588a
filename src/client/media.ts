import type { Attachment, SignedUrls, Uploads } from '../media/schemas.ts'
import { ClientError } from './errors.ts'
import type { Http, UploadOptions } from './http.ts'
import type { ServerClock } from './server-clock.ts'

type SignedUrl = SignedUrls['data'][number]

/** Whoever gets a URL still has so long to use it. */
const MARGIN_MS = 30_000
const BATCH = 100

export class Media {
  readonly #http: Http
  readonly #clock: ServerClock
  readonly #urls = new Map<string, SignedUrl>()
  #batch: { ids: Set<string>, done: Promise<void> } | undefined

  constructor (http: Http, clock: ServerClock) {
    this.#http = http
    this.#clock = clock
  }

  /** Uploads one file to a chat. @throws {ClientError} the server's refusal of it, CONNECTION_LOST, UPLOAD_ABORTED */
  async upload (chatId: string, file: Blob & { name?: string }, { voice, ...options }: UploadOptions & { voice?: boolean | undefined } = {}): Promise<Attachment> {
    const form = new FormData()
    form.append('chatId', chatId) // first: who may not send there is told before the file is on its way
    if (voice) form.append('voice', 'true')
    form.append('file', file, file.name ?? 'file')
    const { data: [result] } = await this.#http.upload('/media', form, file.size, options) as Uploads
    if (result && 'attachment' in result) return result.attachment
    throw new ClientError(result?.error.code ?? 'VALIDATION_FAILED', result?.error.message ?? 'The file was not taken')
  }

  /**
   * A URL that needs no token, good for at least half a minute. Those that are asked for together are asked for at once.
   * @returns null: there is none (any more), or not for this user. @throws {ClientError}
   */
  async url ({ id }: { id: string }, which: 'file' | 'thumbnail' = 'file'): Promise<string | null> {
    if (!this.#fresh(id)) await this.#ask(id)
    const signed = this.#fresh(id)
    const path = which === 'file' ? signed?.url : signed?.thumbnailUrl
    return path ? this.#http.url(path) : null
  }

  #fresh (id: string): SignedUrl | undefined {
    const signed = this.#urls.get(id)
    return signed && Date.parse(signed.expiresAt) - MARGIN_MS > this.#clock.now() ? signed : undefined
  }

  async #ask (id: string): Promise<void> {
    if (!this.#batch || this.#batch.ids.size >= BATCH) {
      const ids = new Set<string>()
      const batch = { ids, done: Promise.resolve().then(() => this.#fetch(ids)) }
      this.#batch = batch
    }
    this.#batch.ids.add(id)
    await this.#batch.done
  }

  async #fetch (ids: Set<string>): Promise<void> {
    if (this.#batch?.ids === ids) this.#batch = undefined
    for (const id of ids) this.#urls.delete(id)
    const { data } = await this.#http.request<SignedUrls>('POST', '/media/urls', { ids: [...ids] })
    for (const signed of data) this.#urls.set(signed.id, signed)
  }
}
