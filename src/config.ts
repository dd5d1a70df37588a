import { join, resolve } from 'node:path'
import type { ArmedFailpoint } from './failpoints.ts'
import type { S3Options } from './media/storage/s3.ts'
import { SettingReader, type Env } from './setting-reader.ts'

/** Everything that can be set, parsed and checked. Made once at start and handed down; nothing else reads the environment. */
export type Config = Readonly<{
  host: string
  /** 0: any free port. */
  port: number
  logLevel: LogLevel
  database: Readonly<{
    /** null: the embedded PostgreSQL; the URL is filled in once it has started. */
    url: string | null
    /** A way around a connection pooler, for migrations, LISTEN and session locks. null: `url` is direct already. */
    directUrl: string | null
    poolMax: number
    /** Named prepared statements. Off for a pooler in transaction mode that does not know them (PgBouncer before 1.21). */
    prepare: boolean
  }>
  /** Absolute. The embedded database and the development secret live here. */
  dataDir: string
  /** Exactly one of secret, publicKey and jwksUrl is set (in embedded development the secret may still be to come). */
  jwt: Readonly<{
    secret: string | null
    /** PEM. */
    publicKey: string | null
    jwksUrl: string | null
    issuer: string | null
    audience: string | null
  }>
  /** What the application's server shows on `/admin`; any of them will do, so that one can be replaced. */
  serverApiKeys: string[]
  /** `*` in it: any. */
  corsOrigins: string[]
  editWindowSeconds: number
  /** How long administrators can see and restore what was deleted. */
  deletedContentDays: number
  /** Whether this process does the jobs that are due: of a deployment at least one has to. */
  jobs: boolean
  /** What happens when somebody is addressed who has never connected: a bare row is made, or USER_NOT_FOUND. */
  unknownUsers: 'create' | 'refuse'
  /** Whether somebody whom one does not know has to ask before a DIRECT chat is more than a request. */
  chatRequests: boolean
  /** Whether there is a page to look at, `/`, which has tokens for its people. */
  demo: boolean
  media: Readonly<{
    /** Of a file. */
    maxBytes: number
    /** Of a request, with all its files. */
    maxRequestBytes: number
    /** Of all that a user has uploaded and not deleted; 0: no limit. */
    userQuotaBytes: number
    /** That a user has on their way to this process; 0: no limit. */
    uploadsPerUser: number
    /** Absolute. The files where STORAGE is disk; uploads under way in any case. */
    dir: string
    /** null: the files lie in `dir`. */
    s3: Readonly<S3Options> | null
  }>
  /** What the processes of a deployment tell each other by. */
  bus: Bus
  redis: Readonly<{
    url: string
    /** In front of all that Parley names there, so that several deployments can share a server. */
    prefix: string
    isCluster: boolean
  }> | null
  /** Where OpenTelemetry's traces go (OTLP over HTTP, as JSON), and under which name. null: there are none. */
  tracing: Readonly<{ url: string, serviceName: string }> | null
  rateLimits: Readonly<{
    /** WebSocket commands a second and connection, burst twice that; 0: off. */
    commandsPerSecond: number
    /** REST requests a second and user; 0: off. */
    requestsPerSecond: number
    /** Sockets that this process accepts a second, burst twice that; 0: off. */
    acceptsPerSecond: number
  }>
  realtime: Readonly<{
    maxConnectionsPerUser: number
    maxFrameBytes: number
    maxCommandsInFlight: number
    /** How long a socket may stay without a token. */
    authTimeoutMs: number
    heartbeatMs: number
    /** A socket that has been silent this long is taken for dead. */
    silenceMs: number
    /** Over this time the heads of all followed chats are compared with what was delivered. */
    sweepMs: number
    typingTimeoutMs: number
    /** How long an open socket outlives its token. */
    expiryGraceMs: number
    presenceLeaseMs: number
    /** From the end of the last lease to "offline". */
    presenceGraceMs: number
    /** All the time that SIGTERM may take to finish what is under way. */
    drainMs: number
  }>
  /** Where a test wants this process to die. */
  failpoint: ArmedFailpoint | null
}>

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
type LogLevel = typeof LOG_LEVELS[number]
const BUSES = ['memory', 'postgres', 'redis'] as const
type Bus = typeof BUSES[number]

const MIB = 1024 * 1024

/** Settings that cannot be used: one line a fault, each naming the setting. */
export class ConfigError extends Error {
  readonly faults: string[]

  constructor (faults: string[]) {
    super(faults.join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/**
 * Reads the settings. An empty variable counts as absent; a value that is not understood is a fault, never a silent default.
 * @throws {ConfigError} with every fault there is, not only the first
 */
export function loadConfig (env: Env): Config {
  const read = new SettingReader(env)
  const url = read.url('DATABASE_URL', ['postgresql:', 'postgres:'])
  const dataDir = resolve(read.text('DATA_DIR') ?? '.data')
  const redisUrl = read.url('REDIS_URL', ['redis:', 'rediss:'])
  const redis = { prefix: read.text('REDIS_PREFIX') ?? 'parley', isCluster: read.oneOf('REDIS_CLUSTER', ['on', 'off'], 'off') === 'on' }
  const config: Config = {
    host: read.text('HOST') ?? (url ? '0.0.0.0' : '127.0.0.1'), // the embedded database means a developer's own machine
    port: read.integer('PORT', { fallback: 3000, max: 65_535 }),
    logLevel: read.oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
    database: {
      url,
      directUrl: read.url('DATABASE_DIRECT_URL', ['postgresql:', 'postgres:']),
      poolMax: read.integer('DATABASE_POOL_MAX', { fallback: 10, min: 1, max: 1000 }),
      prepare: read.oneOf('DATABASE_PREPARE', ['on', 'off'], 'on') === 'on',
    },
    dataDir,
    jwt: {
      secret: read.secret('JWT_SECRET'),
      publicKey: read.publicKey('JWT_PUBLIC_KEY'),
      jwksUrl: read.url('JWKS_URL', ['https:', 'http:']),
      issuer: read.text('JWT_ISSUER'),
      audience: read.text('JWT_AUDIENCE'),
    },
    serverApiKeys: read.secrets('SERVER_API_KEY'),
    corsOrigins: read.origins('CORS_ORIGINS'),
    editWindowSeconds: read.number('EDIT_WINDOW_SECONDS', { fallback: 900 }),
    deletedContentDays: read.number('DELETED_CONTENT_DAYS', { fallback: 30, max: 36_500 }),
    jobs: read.oneOf('JOBS', ['on', 'off'], 'on') === 'on',
    unknownUsers: read.oneOf('UNKNOWN_USERS', ['create', 'refuse'], 'create'),
    chatRequests: read.oneOf('CHAT_REQUESTS', ['on', 'off'], 'off') === 'on',
    demo: read.oneOf('DEMO', ['on', 'off'], url || env.JWT_PUBLIC_KEY || env.JWKS_URL ? 'off' : 'on') === 'on', // on a developer's own machine
    media: {
      maxBytes: read.integer('MEDIA_MAX_BYTES', { fallback: 100 * MIB, min: 1 }),
      maxRequestBytes: read.integer('MEDIA_MAX_REQUEST_BYTES', { fallback: 500 * MIB, min: 1 }),
      userQuotaBytes: read.integer('MEDIA_USER_QUOTA_BYTES', { fallback: 0 }),
      uploadsPerUser: read.integer('MEDIA_UPLOADS_PER_USER', { fallback: 50 }),
      dir: resolve(read.text('MEDIA_DIR') ?? join(dataDir, 'media')),
      s3: read.s3(read.oneOf('STORAGE', ['disk', 's3'], 'disk') === 's3'),
    },
    bus: read.oneOf('BUS', BUSES, 'memory'),
    redis: redisUrl === null ? null : { url: redisUrl, ...redis },
    tracing: read.tracing(),
    rateLimits: {
      commandsPerSecond: read.number('RATE_LIMIT_COMMANDS', { fallback: 20 }),
      requestsPerSecond: read.number('RATE_LIMIT_REQUESTS', { fallback: 50 }),
      acceptsPerSecond: read.number('RATE_LIMIT_ACCEPTS', { fallback: 1000 }),
    },
    realtime: {
      maxConnectionsPerUser: read.integer('MAX_CONNECTIONS_PER_USER', { fallback: 20, min: 1 }),
      maxFrameBytes: read.integer('MAX_FRAME_BYTES', { fallback: 262_144, min: 1024 }),
      maxCommandsInFlight: read.integer('MAX_COMMANDS_IN_FLIGHT', { fallback: 32, min: 1 }),
      authTimeoutMs: read.milliseconds('AUTH_TIMEOUT_SECONDS', 10),
      heartbeatMs: read.milliseconds('HEARTBEAT_SECONDS', 25),
      silenceMs: read.milliseconds('SILENCE_SECONDS', 35),
      sweepMs: read.milliseconds('SWEEP_SECONDS', 30),
      typingTimeoutMs: read.milliseconds('TYPING_TIMEOUT_SECONDS', 3),
      expiryGraceMs: read.milliseconds('TOKEN_GRACE_SECONDS', 25),
      presenceLeaseMs: read.milliseconds('PRESENCE_LEASE_SECONDS', 30),
      presenceGraceMs: read.milliseconds('PRESENCE_GRACE_SECONDS', 15),
      drainMs: read.milliseconds('DRAIN_SECONDS', 8),
    },
    failpoint: read.failpoint('FAILPOINT'),
  }
  read.faults.push(...contradictions(env, config))
  if (read.faults.length > 0) throw new ConfigError(read.faults)
  return deepFreeze(config)
}

/** What is wrong although every single setting is right. */
function contradictions (env: Env, { bus, database, demo, realtime }: Config): string[] {
  const faults: string[] = []
  const keys = ['JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWKS_URL'].filter(name => env[name])
  if (keys.length > 1) faults.push(`${keys.join(', ')}: only one of them can be set`)
  if (keys.length === 0 && env.DATABASE_URL) {
    faults.push('JWT_SECRET is not set: with DATABASE_URL, set JWT_SECRET, JWT_PUBLIC_KEY or JWKS_URL to what your application signs its tokens with')
  }
  if (database.directUrl && !env.DATABASE_URL) faults.push('DATABASE_DIRECT_URL is set without DATABASE_URL')
  if (bus === 'redis' && !env.REDIS_URL) faults.push('REDIS_URL is not set: with BUS=redis, set it to a Redis or Valkey server, redis://host:6379')
  if (demo && (env.JWT_PUBLIC_KEY || env.JWKS_URL)) faults.push('DEMO=on signs tokens for its people: that takes JWT_SECRET, not a key that can only check them')
  if (env.FAILPOINT && env.NODE_ENV === 'production') faults.push('FAILPOINT is for tests: it kills the process, and is refused where NODE_ENV is production')
  if (realtime.silenceMs <= realtime.heartbeatMs) {
    faults.push('SILENCE_SECONDS must be more than HEARTBEAT_SECONDS: a healthy socket speaks once a heartbeat')
  }
  return faults
}

function deepFreeze<T extends object> (value: T): T {
  for (const each of Object.values(value)) {
    if (typeof each === 'object' && each !== null) deepFreeze(each)
  }
  return Object.freeze(value)
}
