// What is due to sockets is handed out together, in the order in which it was committed, and never for so long that nobody else has a turn.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import { MemoryBus } from '../../src/realtime/bus/memory.ts'
import type { ChatFrame, Frame, InboxFrame } from '../../src/realtime/frames.ts'
import { Hub } from '../../src/realtime/hub.ts'
import type { Peer } from '../../src/realtime/peer.ts'
import { Rounds } from '../../src/realtime/rounds.ts'
import type { HubSource } from '../../src/realtime/source.ts'
import { CHAT } from '../helpers/samples.ts'

const unused = async (): Promise<never> => { throw new Error('not asked for here') }
const source: HubSource = {
  loadUser: async () => ({ inboxRevision: 0, blocks: [], chats: [{ chatId: CHAT, bound: 0, lastRevision: 0, memberCount: 3 }] }),
  changesFor: unused,
  inboxSince: unused,
  heads: unused,
  inboxes: unused,
  epoch: unused,
}

const frame = (revision: number, more: Partial<ChatFrame> = {}): ChatFrame => ({ kind: 'chat', chatId: CHAT, type: `change_${revision}`, previousRevision: revision - 1, revision, data: '{}', ...more })
const typing: Frame = { kind: 'fleeting', chatId: CHAT, type: 'user_typing', data: '{}' }
const left: InboxFrame = {
  kind: 'inbox', userId: 'carol', previousRevision: 0, revision: 1, update: { previousInboxRevision: 0, inboxRevision: 1, memberships: [], hidden: [], removed: [CHAT] },
}

async function follow (hub: Hub, userId: string): Promise<Buffer[]> {
  const got: Buffer[] = []
  await hub.roster.connect({ id: userId, userId, issuedAt: 0, send: bytes => { got.push(bytes) }, close: () => {} })
  return got
}

const typesIn = (got: Buffer[]) => [...Buffer.concat(got).toString('latin1').matchAll(/"type":"(\w+)"/g)].map(([, type]) => type)

t.test('what comes together goes out as one, the same bytes for all; what follows it, after it', async t => {
  const hub = new Hub(new MemoryBus(), source, pino({ level: 'silent' }))
  const [alice, bob, carol] = [await follow(hub, 'alice'), await follow(hub, 'bob'), await follow(hub, 'carol')]
  hub.publish([frame(1), frame(2), frame(3)])
  t.same([alice, bob, carol].map(({ length }) => length), [0, 0, 0], 'not yet: more may come')
  await nextTurn()
  t.same([alice, bob, carol].map(({ length }) => length), [1, 1, 1])
  t.equal(alice[0], bob[0])
  t.same(typesIn(alice), ['change_1', 'change_2', 'change_3'])

  hub.publish([frame(4), typing, frame(5), frame(6, { left: ['carol'] }), left, frame(7)])
  await nextTurn()
  const all = ['change_1', 'change_2', 'change_3', 'change_4', 'user_typing', 'change_5', 'change_6']
  t.same(typesIn(alice), [...all, 'change_7'])
  t.same(typesIn(carol), [...all, 'inbox_updated'], 'up to their leaving, and then that they have left')
})

t.test('who begins to follow in the middle gets what comes from then on', async t => {
  const hub = new Hub(new MemoryBus(), { ...source, loadUser: async userId => ({ inboxRevision: 0, blocks: [], chats: userId === 'alice' ? [{ chatId: CHAT, bound: 0, lastRevision: 0, memberCount: 1 }] : [] }) }, pino({ level: 'silent' }))
  const [alice, bob] = [await follow(hub, 'alice'), await follow(hub, 'bob')]
  hub.publish([frame(1), frame(2, { joined: { userIds: ['bob'], bound: 0 } }), frame(3)])
  await nextTurn()
  t.same(typesIn(alice), ['change_1', 'change_2', 'change_3'])
  t.same(typesIn(bob), ['change_2', 'change_3'])
})

t.test('of what goes out together each gets what they may see, and shares it with whoever may see the same', async t => {
  const sees: Record<string, { bound: number, blocks: string[] }> = {
    all: { bound: 0, blocks: [] }, 'all, too': { bound: 0, blocks: ['nobody'] }, newer: { bound: 1, blocks: [] }, 'newest only': { bound: 2, blocks: [] }, blocker: { bound: 0, blocks: ['zoe'] }, 'another blocker': { bound: 0, blocks: ['zoe'] },
  }
  const hub = new Hub(new MemoryBus(), {
    ...source, loadUser: async userId => ({ inboxRevision: 0, blocks: sees[userId]!.blocks, chats: [{ chatId: CHAT, bound: sees[userId]!.bound, lastRevision: 0, memberCount: 6 }] }),
  }, pino({ level: 'silent' }))
  const got = Object.fromEntries(await Promise.all(Object.keys(sees).map(async userId => [userId, await follow(hub, userId)] as const)))
  const say = (revision: number, seq: number, senderId: string, threadRoot?: { seq: number, senderId: string }) => frame(revision, {
    data: JSON.stringify({ message: { seq, senderId, content: `said ${seq}` }, ...(threadRoot && { threadRoot: { ...threadRoot, content: `said ${threadRoot.seq}` } }) }), message: { seq, senderId }, ...(threadRoot && { threadRoot }),
  })
  hub.publish([say(1, 2, 'zoe', { seq: 1, senderId: 'ann' }), say(2, 3, 'ann', { seq: 2, senderId: 'zoe' })])
  await nextTurn()
  const contents = (userId: string) => [...Buffer.concat(got[userId]!).toString('latin1').matchAll(/"(message|threadRoot)":\{"seq":(\d+),"senderId":"\w+","content":("said|null)/g)].map(([, what, seq, content]) => `${what} ${seq}${content === 'null' ? ' redacted' : ''}`)
  t.strictSame(contents('all'), ['message 2', 'threadRoot 1', 'message 3', 'threadRoot 2'])
  t.strictSame(contents('newer'), ['message 2', 'message 3', 'threadRoot 2'])
  t.strictSame(contents('newest only'), ['message 3'])
  t.match(typesIn(got['newest only']!), ['revision_skipped', 'change_2'])
  t.strictSame(contents('blocker'), ['message 2 redacted', 'threadRoot 1', 'message 3', 'threadRoot 2 redacted'])
  t.equal(got.blocker![0], got['another blocker']![0])
  t.strictSame(contents('all, too'), contents('all'))
})

t.test('what changes who sees what comes after what was committed before it', async t => {
  const hub = new Hub(new MemoryBus(), source, pino({ level: 'silent' }))
  const [alice] = [await follow(hub, 'alice')]
  const say = (revision: number) => frame(revision, { data: `{"message":{"seq":${revision},"content":"said"}}`, message: { seq: revision, senderId: 'zoe' } })
  const block: Frame = { ...left, userId: 'alice', update: { ...left.update, removed: [], blocks: ['zoe'] } }
  hub.publish([say(1), block, say(2)])
  await nextTurn()
  t.strictSame(typesIn(alice), ['change_1', 'inbox_updated', 'change_2'])
  t.strictSame([...Buffer.concat(alice).toString('latin1').matchAll(/"content":("said"|null)/g)].map(([, content]) => content), ['"said"', 'null'])
})

t.test('who looks at a stream gets what comes while they look', async t => {
  const hub = new Hub(new MemoryBus(), { ...source, loadUser: async () => ({ inboxRevision: 0, blocks: [], chats: [] }) }, pino({ level: 'silent' }))
  const [first, second]: [Buffer[], Buffer[]] = [[], []]
  const viewer = (userId: string, got: Buffer[]): Peer => ({ id: userId, userId, issuedAt: 0, send: bytes => { got.push(bytes) }, close: () => {} })
  const [peer, late] = [viewer('one', first), viewer('another', second)]
  await Promise.all([peer, late].map(each => hub.roster.connect(each)))
  hub.roster.watch(peer, CHAT, { bound: 0, lastRevision: 0, memberCount: 1 })
  hub.publish([frame(1)])
  hub.roster.watch(late, CHAT, { bound: 0, lastRevision: 1, memberCount: 1 })
  hub.publish([frame(2)])
  hub.roster.unview(late, CHAT)
  hub.publish([frame(3)])
  await nextTurn()
  t.strictSame(typesIn(first), ['change_1', 'change_2', 'change_3'])
  t.strictSame(typesIn(second), ['change_2'])
})

t.test('a round that takes long lets others have their turn', async t => {
  const rounds = new Rounds()
  const happened: string[] = []
  const slow = () => { for (const until = performance.now() + 30; performance.now() < until;); }
  for (let n = 0; n < 200; n++) rounds.add({ flush: () => { happened.push(`socket ${n}`); if (n === 0) slow() } })
  await nextTurn()
  happened.push('another')
  while (happened.length < 201) await nextTurn()
  t.ok(happened.indexOf('another') < 200, 'in between')
  t.same(happened.filter(each => each !== 'another'), Array.from({ length: 200 }, (_, n) => `socket ${n}`), 'each once, in their order')
})

t.test('who is there twice in a row for the same frames shares the bytes', async t => {
  const rounds = new Rounds()
  const [one, two, three] = [Buffer.from('one'), Buffer.from('two'), Buffer.from('three')]
  t.equal(rounds.join([one]), one, 'no copy of a single one')
  const both = rounds.join([one, two])
  t.equal(String(both), 'onetwo')
  t.equal(rounds.join([one, two]), both)
  t.equal(String(rounds.join([one, three])), 'onethree')
})

t.test('what becomes due by a giver is given in the same round', async t => {
  const rounds = new Rounds()
  const happened: string[] = []
  rounds.add({
    flush: () => {
      happened.push('one')
      for (const each of ['two', 'three']) rounds.add({ flush: () => { happened.push(each) } })
    },
  })
  await nextTurn()
  t.same(happened, ['one', 'two', 'three'])
})
