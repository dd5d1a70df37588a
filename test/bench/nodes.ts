// 1, 2 and 3 processes over each bus. Chats of 50 people whose sockets are spread over the nodes. How much they can: deliveries a second, and CPU of all
// processes for each, when as much is sent as they take. What the same costs: time from a send to each receipt (on whichever node) and CPU of a delivery at a fixed
// rate that all of them bear, against one process with the memory bus. (When all is sent that they take, more nodes send in smaller batches, and a write to a
// socket carries less: two forms do not do the same work for a delivery.) Then what saying a send on the bus costs when no other node wants it: CPU of a send
// between two people on one of two nodes, against BUS=memory. By turns.
// --bus=redis or --bus=postgres: this one alone.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { median, type Figures } from './figures.ts'
import type { Load } from './load.ts'
import { chatOf, CONTENT, makeDirectChats, makeGroup, userOf } from './population.ts'
import { Stage } from './stage.ts'
import { startWorker, type Worker } from './worker.ts'

const MEMBERS = 50
const GROUPS = 4
const FIRST_GROUP = 1_000
const FLOOD = { outstanding: 4, seconds: 2.5, warmUpSeconds: 1 }
const PACE = { perSecond: 200, seconds: 3, warmUpSeconds: 0.5 }
const PAIRS = 16
const ALONE = { outstanding: 8, seconds: 3, warmUpSeconds: 1 }
const ROUNDS = 2
const REDIS_PORT = 26_379

type Settings = Record<string, string>

export async function nodes (stage: Stage, figures: Figures, { bus }: { bus?: string }): Promise<void> {
  await makeDirectChats(stage.db, PAIRS)
  for (let n = 0; n < GROUPS; n++) await makeGroup(stage.db, chatOf(FIRST_GROUP + n), MEMBERS)
  const redis = spawn('redis-server', ['--port', `${REDIS_PORT}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' })
  const hasRedis = await Promise.race([once(redis, 'spawn').then(() => true), once(redis, 'error').then(() => false)])
  if (!hasRedis) figures.say('There is no redis-server on the PATH: BUS=redis is left out')
  const all: Record<string, Settings> = { ...hasRedis && { redis: { BUS: 'redis', REDIS_URL: `redis://127.0.0.1:${REDIS_PORT}` } }, postgres: { BUS: 'postgres' } }
  const buses = Object.fromEntries(Object.entries(all).filter(([name]) => bus === undefined || bus === name))
  const load = await startWorker<Load>('./load.ts')
  try {
    const one = await deliver(stage, load, 1, { BUS: 'memory' })
    figures.add('memory, 1 process: deliveries', one.perSecond, '/s')
    figures.add('memory, 1 process: send to receipt, p99', one.p99, 'ms')
    figures.add('memory, 1 process: CPU of a delivery', one.cpu, 'µs')
    figures.add('memory, 1 process: CPU of a delivery, flooded', one.floodCpu, 'µs')
    for (const [name, settings] of Object.entries(buses)) {
      for (const count of [1, 2, 3]) {
        const many = await deliver(stage, load, count, settings)
        figures.say(`${name}, ${count}: ${Math.round(many.perSecond)} deliveries/s, ${many.p99.toFixed(1)} ms, ${many.cpu.toFixed(1)} µs against ${one.cpu.toFixed(1)} µs, flooded ${many.floodCpu.toFixed(1)} µs against ${one.floodCpu.toFixed(1)} µs`)
        figures.add(`${name}, ${count}: deliveries`, many.perSecond, '/s', one.perSecond)
        figures.add(`${name}, ${count}: send to receipt, p99`, many.p99, 'ms', one.p99)
        figures.add(`${name}, ${count}: CPU of a delivery`, many.cpu, 'µs', one.cpu, name === 'redis' ? '≤ 1.5 ×' : undefined)
        figures.add(`${name}, ${count}: CPU of a delivery, flooded`, many.floodCpu, 'µs', one.floodCpu)
      }
    }
    for (const [name, settings] of Object.entries(buses)) {
      const [alone, said]: [number[], number[]] = [[], []]
      for (let round = 0; round < ROUNDS; round++) {
        alone.push(await sendAlone(stage, load, { BUS: 'memory' }))
        said.push(await sendAlone(stage, load, settings))
        figures.say(`${name}: a send that no other node wants ${said.at(-1)?.toFixed(1)} µs against ${alone.at(-1)?.toFixed(1)} µs`)
      }
      figures.add(`${name}: CPU of a send that no other node wants`, median(said), 'µs', median(alone), '≤ 1.05 ×')
    }
  } finally {
    await load.stop()
    if (hasRedis) redis.kill()
  }
}

/** Everybody is in all groups; their sockets are on the nodes by turns, and on each node some send. */
async function deliver (stage: Stage, load: Worker<Load>, count: number, settings: Settings): Promise<{ perSecond: number, p99: number, cpu: number, floodCpu: number }> {
  const urls = await stage.serveMany(count, settings)
  try {
    await load.ask('open', { group: 'all', url: '', sockets: Array.from({ length: MEMBERS }, (_, n) => ({ token: stage.token(userOf(n)), url: Stage.socketUrl(urls[n % count] ?? '') })) })
    const senders = Array.from({ length: 2 * GROUPS }, (_, n) => ({ socket: n, chatId: chatOf(FIRST_GROUP + n % GROUPS) }))
    const before = await stage.cpuSeconds()
    const started = performance.now()
    const flood = await load.ask('flood', { group: 'all', senders, content: CONTENT, ...FLOOD })
    const [after, seconds] = [await stage.cpuSeconds(), (performance.now() - started) / 1000]
    const paced = await load.ask('pace', { group: 'all', senders, content: CONTENT, ...PACE })
    const pacedCpu = await stage.cpuSeconds() - after
    const pacedDeliveries = PACE.perSecond * (PACE.seconds + PACE.warmUpSeconds) * MEMBERS
    await load.ask('close', { group: 'all' })
    return { perSecond: flood.deliveriesPerSecond, p99: paced.received.p99, cpu: pacedCpu / pacedDeliveries * 1e6, floodCpu: (after - before) / (flood.deliveriesPerSecond * seconds) * 1e6 }
  } finally {
    await stage.strikeServers()
  }
}

/** Of two nodes one has all the people. @returns its CPU for a send, in µs */
async function sendAlone (stage: Stage, load: Worker<Load>, settings: Settings): Promise<number> {
  const [url = ''] = await stage.serveMany(2, settings)
  try {
    await load.ask('open', { group: 'pairs', url: Stage.socketUrl(url), sockets: Array.from({ length: 2 * PAIRS }, (_, n) => ({ token: stage.token(userOf(n)) })) })
    const senders = Array.from({ length: 2 * PAIRS }, (_, n) => ({ socket: n, chatId: chatOf(Math.floor(n / 2)) }))
    const before = await stage.cpuSeconds(0)
    const started = performance.now()
    const flood = await load.ask('flood', { group: 'pairs', senders, content: CONTENT, ...ALONE })
    const [after, seconds] = [await stage.cpuSeconds(0), (performance.now() - started) / 1000]
    await load.ask('close', { group: 'pairs' })
    return (after - before) / (flood.sendsPerSecond * seconds) * 1e6
  } finally {
    await stage.strikeServers()
  }
}
