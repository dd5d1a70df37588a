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

t.test('a chat that cannot be looked up is followed by nobody: all come back and load everything', async t => {
  const bus = new MemoryBus()
  const hub = new Hub(bus, empty, pino({ level: 'silent' }))
  const peers = [new FakePeer('alice'), new FakePeer('bob')]
  for (const peer of peers) await hub.connect(peer)
  hub.publish(peers.map(({ userId }) => added(userId)))
  t.ok(hub.follows('alice', CHAT) && hub.follows('bob', CHAT))
  t.strictSame(await Promise.all(peers.map(peer => peer.closed)), [4000, 4000])
})

t.test('who cannot be loaded is not there', async t => {
  const hub = new Hub(new MemoryBus(), { ...empty, loadUser: away }, pino({ level: 'silent' }))
  const peers = [new FakePeer('alice'), new FakePeer('alice')]
  const failed = await Promise.allSettled(peers.map(peer => hub.connect(peer)))
  t.match(failed, [{ status: 'rejected' }, { status: 'rejected' }])
  t.strictSame([hub.connectedUsers, hub.followedChats], [[], []])
})

t.end()
