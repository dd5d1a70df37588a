import { pino } from 'pino'
import t from 'tap'
import { MemoryBus } from '../../src/realtime/bus/memory.ts'
import { Hub } from '../../src/realtime/hub.ts'
import type { HubSource } from '../../src/realtime/source.ts'
import { CHAT, membership } from '../helpers/samples.ts'

// Somebody's inbox says that they are in a chat now; the chat's own frame, which would have had them follow it, was lost.
// Their client loads the chat at once, at revision 7. The hub looks it up later, when it is at 9.

t.test('what comes between a client loading a new chat and the hub following it is told', async t => {
  const alive = setInterval(() => {}, 1000) // the hub's own timers do not keep a process
  t.teardown(() => clearInterval(alive))
  let lookedUp = (_: { lastRevision: number, memberCount: number }): void => {}
  const never = async (): Promise<never> => { throw new Error('not asked for here') }
  const repaired: number[] = []
  const source: HubSource = {
    loadUser: async () => ({ inboxRevision: 0, blocks: [], chats: [] }),
    heads: () => new Promise(resolve => { lookedUp = head => resolve(new Map([[CHAT, head]])) }),
    changesFor: async (_, userIds, since) => {
      repaired.push(since)
      return new Map(userIds.map(userId => [userId, { upTo: 9, hasMore: false, data: `{"since":${since},"upTo":9}` }]))
    },
    inboxSince: never,
    inboxes: never,
    epoch: never,
  }
  const bus = new MemoryBus()
  const hub = new Hub(bus, source, pino({ level: 'silent' }))
  const told = new Promise<{ type: string, data: { since: number } }>(resolve => {
    const send = (frame: Buffer) => { if (frame.includes('"changes"')) resolve(JSON.parse(frame.toString('utf8', frame.indexOf('{')))) } // after the header
    void hub.roster.connect({ id: 'one', userId: 'alice', issuedAt: 0, send, close: () => {} })
  })
  await hub.roster.connect({ id: 'two', userId: 'alice', issuedAt: 0, send: () => {}, close: () => {} })
  const memberships = [membership(1, { joinRevision: 5 })]
  hub.publish([{ kind: 'inbox', userId: 'alice', previousRevision: 0, revision: 1, update: { previousInboxRevision: 0, inboxRevision: 1, memberships, hidden: [], removed: [] } }])
  lookedUp({ lastRevision: 9, memberCount: 2 })
  const { data: { since } } = await told
  t.ok(since <= 7, 'nothing that the client may lack is left out')
  t.same(repaired, [5], 'everything since they have joined')
})
