import { createPublicKey } from 'node:crypto'
import type { Config } from './config.ts'
import { FAILPOINTS, type ArmedFailpoint } from './failpoints.ts'
import type { S3Options } from './media/storage/s3.ts'

export type Env = Record<string, string | undefined>

/** RFC 7518, section 3.2: a key for HS256 is no shorter than the hash. */
const MIN_SECRET_BYTES = 32
/** As long as the secret of tokens: it opens more. */
const MIN_SERVER_KEY_LENGTH = 32
/** RFC 7518, section 3.3. */
const MIN_RSA_BITS = 2048
/** A timer of more milliseconds than this would fire at once. */
const MAX_TIMER_SECONDS = 2_147_483

/** Reads single settings and gathers the faults. After a fault the value it returns is of no account. */
export class SettingReader {
  readonly faults: string[] = []
  readonly #env: Env

  constructor (env: Env) {
    this.#env = env
  }

  text (name: string): string | null {
    return this.#env[name] || null
  }

  /** As OpenTelemetry names them: of two addresses the one for traces is used as it is, the other one is what the paths of all signals begin with. */
  tracing (): Config['tracing'] {
    const base = this.url('OTEL_EXPORTER_OTLP_ENDPOINT', ['http:', 'https:'])
    const url = this.url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', ['http:', 'https:']) ?? (base && `${base.replace(/\/$/, '')}/v1/traces`)
    const serviceName = this.text('OTEL_SERVICE_NAME') ?? 'parley'
    const isOff = this.oneOf('OTEL_SDK_DISABLED', ['true', 'false'], 'false') === 'true'
    return url && !isOff ? { url, serviceName } : null
  }

  oneOf<T extends string> (name: string, choices: readonly T[], fallback: T): T {
    const value = this.text(name) ?? fallback
    const choice = choices.find(each => each === value)
    return choice ?? this.#refuse(fallback, name, `must be one of ${choices.join(', ')}`)
  }

  number (name: string, { fallback, min = 0, max = Number.MAX_SAFE_INTEGER }: { fallback: number, min?: number, max?: number }): number {
    const value = this.text(name)
    if (value === null) return fallback
    const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN
    if (number >= min && number <= max) return number
    return this.#refuse(fallback, name, `must be a number ${range(min, max)}`)
  }

  integer (name: string, { fallback, min = 0, max = Number.MAX_SAFE_INTEGER }: { fallback: number, min?: number, max?: number }): number {
    const value = this.text(name)
    if (value === null) return fallback
    const number = /^\d+$/.test(value) ? Number(value) : NaN
    if (number >= min && number <= max) return number
    return this.#refuse(fallback, name, `must be a whole number ${range(min, max)}`)
  }

  /** `publish:17`: at the 17th pass. */
  failpoint (name: string): ArmedFailpoint | null {
    const value = this.text(name)
    if (value === null) return null
    const [, at, nth] = /^(\w+):([1-9]\d*)$/.exec(value) ?? []
    const point = FAILPOINTS.find(each => each === at)
    return point ? { point, nth: Number(nth) } : this.#refuse(null, name, `must be one of ${FAILPOINTS.join(', ')}, and a number as in ${FAILPOINTS[0]}:17`)
  }

  /** Given in seconds, with decimals if need be. At least a millisecond: no timer here makes sense at 0. */
  milliseconds (name: string, fallbackSeconds: number): number {
    return Math.round(1000 * this.number(name, { fallback: fallbackSeconds, min: 0.001, max: MAX_TIMER_SECONDS }))
  }

  url (name: string, protocols: string[]): string | null {
    const value = this.text(name)
    if (value === null) return null
    if (protocols.includes(URL.parse(value)?.protocol ?? '')) return value
    return this.#refuse(null, name, `must be a URL that starts with ${protocols.map(each => `${each}//`).join(' or ')}`, { hide: true })
  }

  /** Without keys the SDK looks for them where it always does. */
  s3 (isUsed: boolean): S3Options | null {
    const [bucket, accessKeyId, secretAccessKey] = [this.text('S3_BUCKET'), this.text('S3_ACCESS_KEY_ID'), this.text('S3_SECRET_ACCESS_KEY')]
    const endpoint = this.url('S3_ENDPOINT', ['https:', 'http:'])
    if (isUsed && bucket === null) this.faults.push('S3_BUCKET is not set: with STORAGE=s3 it names the bucket for the files')
    if ((accessKeyId === null) !== (secretAccessKey === null)) this.faults.push('S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY: both can be set, or neither')
    const options = {
      bucket: bucket ?? '',
      region: this.text('S3_REGION') ?? 'us-east-1',
      endpoint,
      credentials: accessKeyId !== null && secretAccessKey !== null ? { accessKeyId, secretAccessKey } : null,
      forcePathStyle: this.oneOf('S3_FORCE_PATH_STYLE', ['on', 'off'], endpoint === null ? 'off' : 'on') === 'on',
    }
    return isUsed ? options : null
  }

  origins (name: string): string[] {
    const values = (this.text(name) ?? '').split(',').map(each => each.trim()).filter(Boolean)
    for (const value of values) {
      if (value === '*' || URL.parse(value)?.origin === value) continue
      this.faults.push(`${name} must be origins such as https://example.com, separated by commas, or *, but has "${value}"`)
    }
    return values
  }

  secret (name: string): string | null {
    const value = this.text(name)
    if (value === null || Buffer.byteLength(value) >= MIN_SECRET_BYTES) return value
    return this.#refuse(null, name, `must have at least ${MIN_SECRET_BYTES} bytes`, { hide: true })
  }

  /** Several, separated by commas. */
  secrets (name: string): string[] {
    const values = (this.text(name) ?? '').split(',').map(each => each.trim()).filter(Boolean)
    const areLong = values.every(value => value.length >= MIN_SERVER_KEY_LENGTH && !/\s/.test(value))
    return areLong ? values : this.#refuse([], name, `must be keys of at least ${MIN_SERVER_KEY_LENGTH} characters, separated by commas`, { hide: true })
  }

  /** PEM; "\n" may be spelled out, since not every place that holds variables can hold line ends. */
  publicKey (name: string): string | null {
    const pem = this.text(name)?.replaceAll('\\n', '\n') ?? null
    if (pem === null) return null
    try {
      if (pem.includes('PRIVATE KEY')) throw new Error('a private key has no business here')
      const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey(pem)
      if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS) return pem
      if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return pem
      if (asymmetricKeyType === 'ed25519' || asymmetricKeyType === 'ed448') return pem
    } catch {
      // Not a public key at all: refused below, like one of the wrong kind.
    }
    return this.#refuse(null, name, `must be a public key in PEM: RSA of at least ${MIN_RSA_BITS} bits, EC on P-256, or Ed25519`, { hide: true })
  }

  /** `hide` keeps passwords and keys out of logs. */
  #refuse<T> (fallback: T, name: string, rule: string, { hide = false } = {}): T {
    this.faults.push(hide ? `${name} ${rule}` : `${name} ${rule}, but is "${this.#env[name]}"`)
    return fallback
  }
}

function range (min: number, max: number): string {
  return max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`
}
