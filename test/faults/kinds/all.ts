import { backendsTerminated } from './backends-terminated.ts'
import { allAtOnce, clientsVanish } from './clients-lost.ts'
import { diskFull } from './disk-full.ts'
import type { Fault } from './fault.ts'
import { cutFromPostgres, cutFromRedis } from './node-cut-off.ts'
import { killedBeforeAnswer, killedBeforePublish } from './node-killed-at.ts'
import { nodeKilled } from './node-killed.ts'
import { nodeStopped } from './node-stopped.ts'
import { postgresKilled } from './postgres-killed.ts'
import { postgresStopped } from './postgres-stopped.ts'
import { redisClientsKilled } from './redis-clients-killed.ts'
import { redisKilled } from './redis-killed.ts'
import { redisLossy } from './redis-lossy.ts'
import { redisSmallBuffer } from './redis-small-buffer.ts'
import { redisStopped } from './redis-stopped.ts'
import { removedInABurst } from './removed-in-a-burst.ts'
import { sameKey } from './same-key.ts'
import { storm } from './storm.ts'
import { twentyRounds } from './twenty-rounds.ts'

/** In the order of `npm run faults`. A new one goes to the end: the seed of each depends on its place. */
export const FAULTS: readonly Fault[] = [
  nodeKilled,
  killedBeforePublish,
  killedBeforeAnswer,
  postgresKilled,
  backendsTerminated,
  postgresStopped,
  redisKilled,
  redisStopped,
  redisClientsKilled,
  redisSmallBuffer,
  redisLossy,
  nodeStopped,
  cutFromPostgres,
  cutFromRedis,
  clientsVanish,
  allAtOnce,
  sameKey,
  removedInABurst,
  diskFull,
  twentyRounds,
  storm,
]
