import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../../config.ts'

const CONNECT_TIMEOUT_MS = 5_000
const RETRY_MAX_MS = 2_000

export type RedisConfig = NonNullable<Config['redis']>

/** With jitter: all nodes of a deployment lose their server at once. */
export const retryIn = (attempt: number) => Math.min(50 * 2 ** attempt, RETRY_MAX_MS) * (0.5 + Math.random() / 2)

/** What cannot be done now is refused at once: nobody waits for a Redis that is away, and nothing heaps up for it. */
const OPTIONS = {
  lazyConnect: true,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: true,
  connectTimeout: CONNECT_TIMEOUT_MS,
  retryStrategy: retryIn,
  connectionName: 'parley',
  protocol: 2,
} as const satisfies RedisOptions

/** A client that connects when it is told to, and again for as long as it is not told to stop. */
export function redisClient (url: string, log: FastifyBaseLogger): Redis {
  const client = new Redis(url, OPTIONS)
  client.on('error', (err: unknown) => log.debug({ err }, 'Redis'))
  return client
}

/** The same for a cluster: one client for everything, with a connection to each of its servers for what it subscribes to there. */
export function clusterClient (url: string, log: FastifyBaseLogger): Cluster {
  const { hostname, port, username, password, protocol } = new URL(url)
  const { retryStrategy: _, lazyConnect, enableOfflineQueue, enableAutoPipelining, ...redisOptions } = OPTIONS
  const client = new Cluster([{ host: hostname, port: Number(port || 6379) }], {
    lazyConnect,
    enableOfflineQueue,
    enableAutoPipelining,
    shardedSubscribers: true,
    clusterRetryStrategy: retryIn,
    redisOptions: {
      ...redisOptions,
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} }),
    },
  })
  client.on('error', (err: unknown) => log.debug({ err }, 'Redis'))
  return client
}
