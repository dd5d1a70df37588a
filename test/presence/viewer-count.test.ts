// In a crowd nobody is told of single viewers.
import { mock } from 'node:test'
import { pino } from 'pino'
import t from 'tap'
import { Viewers } from '../../src/presence/viewers.ts'
import { MemoryBus } from '../../src/realtime/bus/memory.ts'
import { Hub } from '../../src/realtime/hub.ts'
import type { HubSource } from '../../src/realtime/source.ts'
import { CHAT } from '../helpers/samples.ts'

const never = async (): Promise<never> => { throw new Error('not asked for here') }
const source: HubSource = {
  loadUser: async () => ({ inboxRevision: 0, blocks: [], chats: [] }), changesFor: never, inboxSince: never, heads: never, inboxes: never, epoch: never,
}

/** A frame as it goes over the wire: behind a header of two bytes, or four if it is longer than 125. */
const parse = (frame: Buffer) => JSON.parse(String(frame.subarray(frame[1] === 126 ? 4 : 2)))

t.test('above the limit comes their number, once for all that has happened meanwhile', async t => {
  const hub = new Hub(new MemoryBus(), source, pino({ level: 'silent' }))
  const viewers = new Viewers(hub, { invisible: new Set() }, { maxAnnounced: 3, countEveryMs: 20 })
  t.teardown(() => viewers.close())
  const alive = setInterval(() => {}, 1_000) // (the hub's and the viewers' timers keep no process alive)
  t.teardown(() => clearInterval(alive))
  const heard: { type: string, data: { userId?: string, viewerCount?: number } }[] = []
  let wake = () => {}
  const come = async (userId: string) => {
    const peer = { id: userId, userId, issuedAt: 0, close: () => {}, send: (frame: Buffer) => { if (userId === 'first') { heard.push(parse(frame)); wake() } } }
    await hub.roster.connect(peer)
    if (hub.roster.watch(peer, CHAT, { bound: 0, lastRevision: 1, memberCount: 1 })) viewers.joined(userId, CHAT)
    return peer
  }
  await come('first')
  const crowd = []
  for (const userId of ['a', 'b', 'c', 'd', 'e']) crowd.push(await come(userId))
  while (!heard.some(({ type }) => type === 'viewer_count')) await new Promise<void>(resolve => { wake = resolve })
  t.match(heard.map(({ type, data }) => [type, data.userId ?? data.viewerCount]), [['user_joined_chat', 'a'], ['user_joined_chat', 'b'], ['viewer_count', 6]])
  t.equal(heard.length, 3)
  for (const peer of crowd) hub.roster.disconnect(peer)
  while (heard.at(-1)?.data.userId !== 'e') await new Promise<void>(resolve => { wake = resolve })
  t.strictSame(heard.slice(3).filter(({ type }) => type === 'user_left_chat').map(({ data }) => data.userId), ['c', 'd', 'e'])
  t.equal(hub.roster.viewerCount(CHAT), 1)
})

t.test('nodes count together, until one says nothing any more', async t => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] })
  t.teardown(() => mock.timers.reset())
  const bus = new MemoryBus() // (one for both: each hears all of it, and its own)
  const nodes = [1, 2].map(() => new Hub(bus, source, pino({ level: 'silent' }))) as [Hub, Hub]
  const [here, there] = nodes.map(hub => new Viewers(hub, { invisible: new Set() }, { maxAnnounced: 3 })) as [Viewers, Viewers]
  t.teardown(() => { here.close(); there.close() })
  const heard: number[] = []
  const come = async (hub: Hub, viewers: Viewers, userId: string) => {
    const send = (frame: Buffer) => { const { type, data } = parse(frame); if (userId === 'first' && type === 'viewer_count') heard.push(data.viewerCount) }
    const peer = { id: userId, userId, issuedAt: 0, close: () => {}, send }
    await hub.roster.connect(peer)
    if (hub.roster.watch(peer, CHAT, { bound: 0, lastRevision: 1, memberCount: 1 })) viewers.joined(userId, CHAT)
  }
  await come(nodes[0], here, 'first')
  for (const userId of ['a', 'b', 'c', 'd']) await come(nodes[1], there, userId)
  mock.timers.tick(5_000)
  mock.timers.tick(5_000) // what the other node has said at the end of these
  t.strictSame([here.count(CHAT), there.count(CHAT), heard.at(-1)], [5, 5, 5])
  there.close()
  mock.timers.tick(60_000)
  t.equal(here.count(CHAT), 5)
  mock.timers.tick(16_000)
  t.equal(here.count(CHAT), 1, 'it has died')
  t.equal(there.count(CHAT), 5, 'which knows of the first one still: that is said again and again')
})

t.end()
