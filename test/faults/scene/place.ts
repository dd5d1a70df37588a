// Three nodes with everything around them, that faults can get at.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { RedisServer } from '../../helpers/redis.ts'
import type { Outage } from '../check/evidence.ts'
import { DATABASE_CONNECTIONS } from '../check/holdings.ts'
import { Link } from '../helpers/link.ts'
import { Postgres } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server-process.ts'
import { Balancer } from './balancer.ts'
import type { Crowd } from './crowd.ts'

export type BusName = 'redis' | 'postgres'

const NODES = 3
const DISK_MIB = 1024
export const SWEEP_SECONDS = 4
/** Of presence: what is 45 s by default. */
export const LEASE_SECONDS = 8
export const GRACE_SECONDS = 4
/** A dead socket is noticed on either side before everybody has lost their patience. */
const QUICK = { SWEEP_SECONDS: `${SWEEP_SECONDS}`, HEARTBEAT_SECONDS: '4', SILENCE_SECONDS: '9', PRESENCE_LEASE_SECONDS: `${LEASE_SECONDS}`, PRESENCE_GRACE_SECONDS: `${GRACE_SECONDS}`, DRAIN_SECONDS: '2' }
const WELL_WITHIN_MS = 120_000
const ANSWER_WITHIN_MS = 5_000
const ASK_EVERY_MS = 50

/** A node, and the stretches of network that lead away from it. */
export interface Node { index: number, process: ServerProcess, toPostgres: Link, toRedis: Link | null }

export interface Place {
  postgres: Postgres
  redis: RedisServer | null
  /** Where the tables lie, if that is a file system of its own. */
  disk: string | null
  bus: BusName
  nodes: Node[]
  balancer: Balancer
  crowd: Crowd
  random: () => number
  /** For the checker: what nobody could have kept to. */
  stopped: (Outage & { node: number })[]
  busOutages: Outage[]
}

export type Ground = Pick<Place, 'postgres' | 'redis' | 'disk' | 'bus' | 'nodes' | 'balancer'>

export async function prepare (t: Pick<Test, 'teardown'>, { bus, onSmallDisk }: { bus: BusName, onSmallDisk: boolean }): Promise<Ground> {
  const disk = onSmallDisk ? await smallDisk(t, DISK_MIB) : null
  const postgres = await Postgres.start(t, disk)
  const redis = bus === 'redis' ? await RedisServer.start(t) : null
  const nodes = await Promise.all(Array.from({ length: NODES }, async (_, index) => {
    const toPostgres = await Link.to(t, postgres.url)
    const toRedis = redis && await Link.to(t, redis.url)
    const settings = { ...QUICK, DATABASE_URL: toPostgres.url, BUS: bus, ...(toRedis && { REDIS_URL: toRedis.url }), JOBS: 'off', DATABASE_POOL_MAX: `${DATABASE_CONNECTIONS}` }
    return { index, process: await ServerProcess.start(t, settings), toPostgres, toRedis }
  }))
  const balancer = new Balancer(nodes.map(node => node.process))
  return { postgres, redis, disk, bus, nodes, balancer }
}

/** When all nodes are there again, and hear each other. @throws if they do not come back */
export async function whenWell ({ nodes }: Pick<Place, 'nodes'>): Promise<void> {
  const deadline = Date.now() + WELL_WITHIN_MS
  for (const { index, process } of nodes) {
    for (;;) {
      await process.assertAlive()
      const health = await process.health(ANSWER_WITHIN_MS).catch(() => null)
      if (health?.status === 'ready' && health.bus !== 'down') break
      if (Date.now() > deadline) throw new Error(`node ${index} is not well after ${WELL_WITHIN_MS} ms: ${JSON.stringify(health)}`)
      await pause(ASK_EVERY_MS)
    }
  }
}

/** A file system of so many MiB. null: this user may not mount one. */
async function smallDisk (t: Pick<Test, 'teardown'>, mib: number): Promise<string | null> {
  const dir = await mkdtemp(join(tmpdir(), 'parley-small-disk-'))
  const run = promisify(execFile)
  const isMounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=777`, 'tmpfs', dir]).then(() => true, () => false)
  t.teardown(async () => {
    if (isMounted) await run('umount', ['-l', dir])
    await rm(dir, { recursive: true })
  })
  return isMounted ? dir : null
}
