// Whatever dies, and whenever: nothing that was acknowledged is lost, doubled or reordered, and everybody ends up with the
// same. TEST_SEED repeats a run, FAULT_ROUNDS makes it longer.
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { sameAsServer } from '../helpers/live.ts'
import { chooseSeed, seeded } from '../helpers/random-operations.ts'
import { checkAcknowledged, checkNumbers } from './helpers/checks.ts'
import { Crowd } from './helpers/crowd.ts'
import { schedule, strike, type Fault, type Place } from './helpers/faults.ts'
import { Postgres } from './helpers/postgres.ts'
import type { Holdings } from './helpers/probe.ts'
import { ServerProcess } from './helpers/server-process.ts'

const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 20)
/** Then the server is left alive, so that it can be seen what it keeps. */
const ROUNDS_WITH_KILLS = Math.ceil(ROUNDS * 0.6)
const MIB = 1024 * 1024
const MAY_GROW_BYTES = 20 * MIB
const MAX_LOOKS = 12
const DATABASE_CONNECTIONS = 6
/** The sweep, the leases and the index of the search may each be asking the database just now. */
const IN_THE_BACKGROUND = 3
/** A connection to the database names the timers of its last query and of its beginning, or does not yet. */
const MAY_NAME_TIMERS = 2 * DATABASE_CONNECTIONS

const seed = chooseSeed(t)
const random = seeded(seed)
const postgres = await Postgres.start(t)
const server = await ServerProcess.start(t, { DATABASE_URL: postgres.url, SWEEP_SECONDS: '2', JOBS: 'off', DATABASE_POOL_MAX: `${DATABASE_CONNECTIONS}` })
const crowd = await Crowd.gather(t, server, seed)
const place: Place = { server, postgres, crowd, random }

async function storm (faults: Fault[]): Promise<void> {
  for (const [round, fault] of faults.entries()) {
    const begun = Date.now()
    await server.assertAlive()
    await strike(fault, place)
    await crowd.getOn(() => server.assertAlive())
    t.comment(`${round + 1}. ${fault}: ${Date.now() - begun} ms`)
  }
}

/** With everybody here and nothing to do; and with as many connections to the database as it may have, all of them idle. */
async function takeStock (): Promise<Holdings> {
  await crowd.whenSynced()
  await Promise.all(crowd.people.map(({ client }) => client.command('get_unread', {})))
  return server.takeStock()
}

/** When what was still to come to an end has (notices rest for a second), and it is as is wanted; or as it is after many looks. */
async function settledStock (isWanted: (now: Holdings) => boolean = () => true): Promise<Holdings> {
  let before = await takeStock()
  for (let looks = 1; ; looks++) {
    const now = await takeStock()
    if (looks === MAX_LOOKS || (now.timers <= before.timers && isDeepStrictEqual(owned(now), owned(before)) && isWanted(now))) return now
    before = now
  }
}

const owned = ({ handles: { Timeout, ...handles }, objects }: Holdings) => ({ handles, objects })
const dueTimers = ({ handles }: Holdings) => handles.Timeout ?? 0

crowd.start()
await storm(schedule(['server', 'backends', 'postgres', 'sockets'], ROUNDS_WITH_KILLS, random))
await strike('server', place)
await storm(['postgres', 'sockets']) // a server that has met nothing yet has room for more
await crowd.rest()
const base = await settledStock()
crowd.start()
await storm(schedule(['backends', 'postgres', 'sockets'], ROUNDS - ROUNDS_WITH_KILLS, random))
await crowd.rest()

t.test('the server keeps nothing of what is over', async t => {
  const now = await settledStock(now => isDeepStrictEqual(owned(now), owned(base)))
  t.strictSame(owned(now), owned(base), 'sockets and handles are as many as before')
  t.ok(dueTimers(now) <= dueTimers(base) + IN_THE_BACKGROUND, `timers that are due: ${dueTimers(base)}, then ${dueTimers(now)}`)
  t.ok(now.timers <= base.timers + MAY_NAME_TIMERS, `and what is kept of timers that are over: ${base.timers}, then ${now.timers}`)
  t.ok(now.heapBytes - base.heapBytes < MAY_GROW_BYTES, `heap: ${Math.round(base.heapBytes / MIB)} MiB, then ${Math.round(now.heapBytes / MIB)}`)
  t.ok(now.externalBytes - base.externalBytes < MAY_GROW_BYTES, `external: ${Math.round(base.externalBytes / MIB)} MiB, then ${Math.round(now.externalBytes / MIB)}`)
})

t.test('the database has what was acknowledged', async t => {
  await postgres.sql(async sql => {
    await checkAcknowledged(t, sql, crowd.history)
    await checkNumbers(t, sql)
  })
  for (const [kind, { done, refused, repeated }] of crowd.history.counts) t.ok(done > 0, `${kind}: ${done} done, ${refused} refused, ${repeated} asked again`)
})

t.test('every client has what the database says', async t => {
  await postgres.sql(async sql => {
    const judge = { url: server.url, token: server.token, app: { db: { pool: sql } } }
    for (const { userId, client } of crowd.people) await sameAsServer(t, judge, userId, client)
  })
  t.strictSame(crowd.history.violations, [], 'and has seen nothing go back')
})

t.end()
