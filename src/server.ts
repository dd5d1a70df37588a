// The process: settings, the embedded PostgreSQL, migrations, listening, signals. Nothing else knows that there is a process.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import type { FastifyBaseLogger } from 'fastify'
import { buildApp } from './app.ts'
import { ConfigError, loadConfig, type Config } from './config.ts'
import { developmentSecret, signToken, welcome } from './development.ts'
import { EmbeddedPostgres } from './embedded/index.ts'
import { armFailpoint } from './failpoints.ts'
import { createLogger } from './logger.ts'
import { migrate } from './migrate.ts'
import { StartError } from './start-error.ts'

/** After DRAIN_SECONDS, for the database to stop: with the default, less than the 10 s that most who send a SIGTERM wait. */
const AFTER_DRAIN_MS = 1_500

/** How to stop what has been started, to be done in reverse. */
const started: ((deadline: number) => Promise<void>)[] = []
let stopWithinMs = AFTER_DRAIN_MS
let stopping: Promise<void> | null = null
let lost: Error | null = null

const { close } = closeWithGrace({ delay: false, logger: false, skip: ['SIGINT', 'SIGTERM'] }, async ({ err = lost }) => {
  if (err) process.stderr.write(`${explain(err)}\n`)
  await stop()
  if (err) throw err // for the exit code
})
// npm passes a Ctrl-C on to a child that has had it already: the second must not cut the first one's work short.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping || close())

try {
  await start()
} catch (error) {
  if (!stopping) { // else the ground went away under the start, as it was told to
    process.stderr.write(`${explain(error)}\n`)
    await stop()
    process.exit(1)
  }
}

async function start (): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile()
  const settings = loadConfig(process.env)
  armFailpoint(settings.failpoint)
  const isDevelopment = settings.database.url === null
  const log = await createLogger(settings.logLevel, { readable: isDevelopment && process.stdout.isTTY })
  stopWithinMs = settings.realtime.drainMs + AFTER_DRAIN_MS
  await checkPort(settings)

  const config = isDevelopment ? await startEmbedded(settings, log) : settings
  const { url, directUrl } = config.database
  const migrations = await migrate({ url: directUrl ?? url!, setting: directUrl ? 'DATABASE_DIRECT_URL' : 'DATABASE_URL', env: process.env })
  if (migrations.length > 0) log.info({ migrations }, 'migrations applied')

  const app = await buildApp(config, log)
  started.push(async () => {
    const inTime = await Promise.race([app.close().then(() => true), delay(config.realtime.drainMs, false)])
    if (!inTime) log.error('DRAIN_SECONDS are over: what is still under way is cut off')
  })
  await app.listen({ host: config.host, port: config.port }).catch(error => { throw listenError(error, config) })
  if (isDevelopment && config.jwt.secret) process.stdout.write(greeting(config, config.jwt.secret, app.server.address() as AddressInfo))
}

/** Development: a database and, if there is no key for tokens, a secret of our own. */
async function startEmbedded (settings: Config, log: FastifyBaseLogger): Promise<Config> {
  const embedded = await EmbeddedPostgres.start(settings.dataDir, {
    log: message => log.warn(message),
    onLost: error => {
      lost = error
      close()
    },
  })
  started.push(deadline => embedded.stop((deadline - Date.now()) / 1000))
  const { secret, publicKey, jwksUrl } = settings.jwt
  return {
    ...settings,
    database: { ...settings.database, url: embedded.url },
    jwt: { ...settings.jwt, secret: secret ?? (publicKey || jwksUrl ? null : await developmentSecret(settings.dataDir)) },
  }
}

/** Before anything slow is started for nothing. */
async function checkPort (config: Config): Promise<void> {
  const server = createServer()
  try {
    await once(server.listen(config.port, config.host), 'listening')
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, config)
  }
  server.close()
  await once(server, 'close')
}

function listenError (cause: NodeJS.ErrnoException, { host, port }: Config): Error {
  switch (cause.code) {
    case 'EADDRINUSE': return new StartError(`PORT: ${port} is in use on ${host}; stop what uses it, or set PORT to another`, { cause })
    case 'EACCES': return new StartError(`PORT: this user may not listen on ${port}`, { cause })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND': return new StartError(`HOST: ${host} is not an address of this machine`, { cause })
    default: return cause
  }
}

function greeting ({ demo, host, jwt }: Config, secret: string, { port }: AddressInfo): string {
  const name = ['0.0.0.0', '127.0.0.1', '::', '::1'].includes(host) ? 'localhost' : host
  const token = (sub: string, name: string) => signToken({ ...jwt, secret }, { sub, name })
  return welcome(`http://${name}:${port}`, { alice: token('alice', 'Alice'), bob: token('bob', 'Bob') }, { demo })
}

function stop (): Promise<void> {
  stopping ??= (async () => {
    const deadline = Date.now() + stopWithinMs
    const failures: unknown[] = []
    for (const each of started.reverse()) await each(deadline).catch(error => failures.push(error)) // the next one all the same
    if (failures.length > 0) throw failures[0]
  })()
  return stopping
}

/** What a person can mend takes a line; anything else is a fault of ours, and wants its stack. */
function explain (error: unknown): string {
  if (error instanceof ConfigError) return error.faults.join('\n')
  if (error instanceof StartError) return error.message
  return error instanceof Error ? error.stack ?? error.message : String(error)
}
