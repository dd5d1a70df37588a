// What is due to sockets is handed out together, in the order in which it was committed, and never for so long that nobody else has a turn.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import { MemoryBus } from '../../src/realtime/bus/memory.ts'
import type { ChatFrame, Frame } from '../../src/realtime/frames.ts'
import { Hub } from '../../src/realtime/hub.ts'
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
const left: Frame = {
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
