import { ClientError, connectionLost } from './errors.ts'

/** As much of a browser's XMLHttpRequest as an upload needs. Node has none. */
interface Xhr {
  readonly upload: { onprogress: ((event: { loaded: number }) => void) | null }
  readonly status: number
  readonly responseText: string
  onload: (() => void) | null
  onerror: (() => void) | null
  onabort: (() => void) | null
  open (method: string, url: string): void
  setRequestHeader (name: string, value: string): void
  getResponseHeader (name: string): string | null
  send (body: FormData): void
  abort (): void
}

interface Answer { status: number, text: string, retryAfter: string | null }

export interface UploadOptions {
  /** Bytes of the file that have left us, of its size. That the server has it, and takes it, is told by the answer alone. */
  onProgress?: (loaded: number, total: number) => void
  signal?: AbortSignal
}

/** REST below /api/v1/chat, with the user's token. All that fails fails as a ClientError. */
export class Http {
  readonly #base: string
  readonly #freshToken: () => string | Promise<string>
  /** Until there is a line. */
  readonly #ready: () => Promise<void>
  #token: string | undefined
  #line = new AbortController()

  constructor (base: string, token: () => string | Promise<string>, ready: () => Promise<void>) {
    this.#base = base
    this.#freshToken = token
    this.#ready = ready
  }

  /** Ends what is under way. */
  cut (): void {
    this.#line.abort()
    this.#line = new AbortController()
  }

  /** Asks for a token, and keeps it for what comes next. */
  async token (): Promise<string> {
    const token = await this.#freshToken()
    this.#token = token
    return token
  }

  /** @throws {ClientError} the server's refusal, or CONNECTION_LOST */
  async request<Body = unknown> (method: string, path: string, body?: object): Promise<Body> {
    return await this.#withToken((authorization, signal) => byFetch(this.url(path), {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      body: body ? JSON.stringify(body) : null,
      signal,
    })) as Body
  }

  /** Of a path below the API, or of what the server has named. */
  url (path: string): string {
    return new URL(/^(\/api\/|https?:)/.test(path) ? path : `/api/v1/chat${path}`, this.#base).href
  }

  /** Sends a form with one file. @throws {ClientError} as `request`, or UPLOAD_ABORTED */
  async upload (path: string, form: FormData, size: number, { onProgress, signal }: UploadOptions): Promise<unknown> {
    const progress = (bytes: number) => onProgress?.(Math.min(bytes, size), size)
    const { XMLHttpRequest } = globalThis as { XMLHttpRequest?: new () => Xhr }
    try {
      return await this.#withToken((authorization, line) => {
        const either = signal ? AbortSignal.any([signal, line]) : line
        return XMLHttpRequest ? byXhr(new XMLHttpRequest(), this.url(path), authorization, form, progress, either) : byStream(this.url(path), authorization, form, progress, either)
      })
    } catch (error) {
      throw signal?.aborted ? new ClientError('UPLOAD_ABORTED', 'The upload was given up') : error
    }
  }

  /** A token that was kept may be too old. */
  async #withToken (attempt: (authorization: string, signal: AbortSignal) => Promise<Answer>): Promise<unknown> {
    await this.#ready()
    const answered = (token: string) => attempt(`Bearer ${token}`, this.#line.signal).catch(() => { throw connectionLost() })
    const kept = this.#token
    let answer = await answered(kept ?? await this.#ask())
    if (answer.status === 401 && kept !== undefined) answer = await answered(await this.#ask())
    const { status, text, retryAfter } = answer
    const data = text ? parsed(text) : undefined
    if (status < 300) return data
    const { code = `HTTP_${status}`, message = '', details } = (data ?? {}) as { code?: string, message?: string, details?: unknown }
    throw new ClientError(code, message, { retryable: status === 429 || status >= 500, details, ...(retryAfter && { retryAfterMs: Number(retryAfter) * 1_000 }) })
  }

  async #ask (): Promise<string> {
    return await this.token().catch(() => { throw connectionLost() })
  }
}

/** What is no JSON has been said by something between the server and us. */
function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function byFetch (url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init)
  return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') }
}

function byXhr (xhr: Xhr, url: string, authorization: string, form: FormData, progress: (bytes: number) => void, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    xhr.open('POST', url)
    xhr.setRequestHeader('authorization', authorization)
    xhr.upload.onprogress = ({ loaded }) => progress(loaded)
    xhr.onload = () => resolve({ status: xhr.status, text: xhr.responseText, retryAfter: xhr.getResponseHeader('retry-after') })
    xhr.onerror = xhr.onabort = () => reject(connectionLost())
    if (signal.aborted) return reject(connectionLost())
    signal.addEventListener('abort', () => xhr.abort())
    xhr.send(form)
  })
}

function byStream (url: string, authorization: string, form: FormData, progress: (bytes: number) => void, signal: AbortSignal): Promise<Answer> {
  const { body, headers } = new Response(form)
  let sent = 0
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform (chunk, controller) {
      progress(sent += chunk.length)
      controller.enqueue(chunk)
    },
  })
  const type = headers.get('content-type') as string // names what parts the form
  return byFetch(url, { method: 'POST', headers: { authorization, 'content-type': type }, body: body?.pipeThrough(counting), duplex: 'half', signal } as RequestInit)
}
