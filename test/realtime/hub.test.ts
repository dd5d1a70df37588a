// What the hub does when the database does not answer it.
import { pino } from 'pino'
import t from 'tap'
import { MemoryBus } from '../../src/realtime/bus/memory.ts'
import type { InboxFrame } from '../../src/realtime/frames.ts'
import { Hub } from '../../src/realtime/hub.ts'
import type { HubSource } from '../../src/realtime/source.ts'
import { CHAT, membership } from '../helpers/samples.ts'

const away = async (): Promise<never> => { throw new Error('the database is away') }
const empty: HubSource = {
  loadUser: async () => ({ inboxRevision: 0, blocks: [], chats: [] }), changesFor: away, inboxSince: away, heads: away, inboxes: away, epoch: away,
}

class FakePeer {
  readonly id: string
  readonly userId: string
  readonly issuedAt = 0
  readonly closed: Promise<number>
  close: (code: number) => void = () => {}

  constructor (userId: string) {
    this.id = userId
    this.userId = userId
    this.closed = new Promise(resolve => { this.close = resolve })
  }

  send (): void {}
}

function added (userId: string): InboxFrame {
  return {
    kind: 'inbox', userId, previousRevision: 0, revision: 1, update: { previousInboxRevision: 0, inboxRevision: 1, memberships: [membership(1)], hidden: [], removed: [] },
  }
}

t.test('a chat that cannot be looked up now is looked up again: nobody loses their socket, or what was said meanwhile', async t => {
  const alive = setInterval(() => {}, 1_000) // the hub's own timers do not keep a process
  t.teardown(() => clearInterval(alive))
  const bus = new MemoryBus()
  let isAway = true
  const asked = Promise.withResolvers<number>()
  const hub = new Hub(bus, {
    ...empty,
    heads: async () => {
      if (!isAway) return new Map([[CHAT, { lastRevision: 9, memberCount: 2 }]])
      isAway = false
      throw new Error('the database is away')
    },
    changesFor: async (_chatId, userIds, since) => {
      asked.resolve(since)
      return new Map(userIds.map(userId => [userId, { upTo: 9, hasMore: false, data: '{}' }]))
    },
  }, pino({ level: 'silent' }))
  const peers = [new FakePeer('alice'), new FakePeer('bob')]
  let closed = 0
  for (const peer of peers) {
    void peer.closed.then(() => { closed++ })
    await hub.roster.connect(peer)
  }
  hub.publish(peers.map(({ userId }) => added(userId)))
  t.ok(hub.roster.follows('alice', CHAT) && hub.roster.follows('bob', CHAT))
  t.equal(await asked.promise, membership(1).joinRevision, 'everything since they have joined')
  t.equal(closed, 0)
})

t.test('who cannot be loaded is not there', async t => {
  const hub = new Hub(new MemoryBus(), { ...empty, loadUser: away }, pino({ level: 'silent' }))
  const peers = [new FakePeer('alice'), new FakePeer('alice')]
  const failed = await Promise.allSettled(peers.map(peer => hub.roster.connect(peer)))
  t.match(failed, [{ status: 'rejected' }, { status: 'rejected' }])
  t.strictSame([hub.roster.connectedUsers, hub.roster.followedChats], [[], []])
})

t.end()
