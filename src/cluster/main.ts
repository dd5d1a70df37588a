// make cluster: three nodes on this machine, to see how they are one. On the embedded PostgreSQL (or DATABASE_URL), with the redis-server that is
// installed between them, else BUS=postgres, behind a small TCP balancer on PORT. A node that is killed is started again.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError, loadConfig, type Config } from '../config.ts'
import { developmentSecret, signToken, welcome } from '../development.ts'
import { EmbeddedPostgres } from '../embedded/index.ts'
import { migrate } from '../migrate.ts'
import { StartError } from '../start-error.ts'
import { Balancer } from './balancer.ts'
import { freePort, whenListening } from '../ports.ts'
import { startRedis } from './redis-server.ts'

const NODES = 3
const SERVER = join(import.meta.dirname, '../server.ts')
const RESTART_MS = 1_000
const STOP_POSTGRES_SECONDS = 5

/** How to stop what has been started, to be done in reverse; what is in one list, together. */
const started: (() => Promise<unknown>)[][] = []
let isStopping = false

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { void stop() })

try {
  await start()
} catch (error) {
  const isPlain = error instanceof ConfigError || error instanceof StartError
  process.stderr.write(`${isPlain ? error.message : (error as Error).stack}\n`)
  process.exitCode = 1
  await stop()
}

async function start (): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile()
  const config = loadConfig(process.env)
  const url = config.database.url ?? await startPostgres(config)
  const secret = config.jwt.secret ?? await developmentSecret(config.dataDir)
  await migrate({ url, setting: 'DATABASE_URL', env: process.env })

  const bus = await startBus()
  const env = { ...process.env, ...bus, DATABASE_URL: url, HOST: '127.0.0.1', DEMO: config.demo ? 'on' : 'off', ...(!config.jwt.publicKey && !config.jwt.jwksUrl && { JWT_SECRET: secret }) }
  const ports = await Promise.all(Array.from({ length: NODES }, freePort))
  started.push(ports.map((port, index) => keepNode(index + 1, { ...env, PORT: `${port}` })))
  await Promise.all(ports.map(whenListening))

  const balancer = await Balancer.listen(config.host, config.port, ports)
  started.push([() => balancer.close()])
  const token = (sub: string, name: string) => signToken({ ...config.jwt, secret }, { sub, name })
  process.stdout.write(`${welcome(`http://localhost:${balancer.port}`, { alice: token('alice', 'Alice'), bob: token('bob', 'Bob') }, config)}
Three nodes, on the ports ${ports.join(', ')}, with BUS=${bus.BUS}. Kill one: it comes back.
`)
}

async function startPostgres ({ dataDir }: Config): Promise<string> {
  const embedded = await EmbeddedPostgres.start(dataDir, {
    log: message => process.stderr.write(`${message}\n`),
    onLost: error => {
      process.stderr.write(`${error.message}\n`)
      void stop()
    },
  })
  started.push([() => embedded.stop(STOP_POSTGRES_SECONDS)])
  return embedded.url
}

/** What the nodes are told of the bus between them. */
async function startBus (): Promise<Record<'BUS', string> & { REDIS_URL?: string }> {
  if (process.env.BUS === 'postgres') return { BUS: 'postgres' }
  if (process.env.REDIS_URL) return { BUS: 'redis', REDIS_URL: process.env.REDIS_URL }
  const redis = await startRedis()
  if (!redis) return { BUS: 'postgres' }
  started.push([() => end(redis.child)])
  return { BUS: 'redis', REDIS_URL: redis.url }
}

/** @returns how it is stopped */
function keepNode (number: number, env: NodeJS.ProcessEnv): () => Promise<void> {
  let child: ChildProcess | undefined
  const run = () => {
    child = spawn(process.execPath, [SERVER], { env, stdio: ['ignore', 'inherit', 'inherit'], detached: true }) // a Ctrl-C is for us: we stop them in order
    process.stdout.write(`node ${number}: process ${child.pid}\n`)
    child.once('exit', (code, signal) => {
      if (isStopping) return
      process.stdout.write(`node ${number} has ended (${signal ?? code}), and is started again\n`)
      void delay(RESTART_MS).then(() => { if (!isStopping) run() })
    })
  }
  run()
  return () => end(child)
}

async function end (child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

async function stop (): Promise<void> {
  if (isStopping) return
  isStopping = true
  for (const together of started.reverse()) await Promise.all(together.map(each => each()))
}
