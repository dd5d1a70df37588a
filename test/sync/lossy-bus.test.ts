import t, { type Test } from 'tap'
import { MemoryBus } from '../../src/realtime/bus/memory.ts'
import type { Frame } from '../../src/realtime/frames.ts'
import { request, sameAsServer, startClient } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { Chaos, chooseSeed, seeded, USERS } from '../helpers/random-operations.ts'

/** A late frame comes after those that were published in this time. Longer than the hub waits for it. */
const LATE_MS = 250

/** What a bus may do to frames: lose them, repeat them, let others overtake them. (Nothing repairs the fleeting ones: they come.) */
function spoil (publish: (frames: Frame[]) => void, random: () => number, spoiled: Record<string, number>): (frames: Frame[]) => void {
  const did = (what: string) => { spoiled[what] = (spoiled[what] ?? 0) + 1 }
  return frames => {
    for (const frame of frames) {
      const chance = frame.kind === 'fleeting' ? 1 : random()
      if (chance < 0.06) {
        did('lost')
      } else if (chance < 0.12) {
        did('late')
        setTimeout(publish, random() * LATE_MS, [frame])
      } else {
        publish([frame])
        if (chance < 0.18) {
          did('repeated')
          publish([frame])
        }
      }
    }
  }
}

/** Has the servers of this test publish in another way. */
function instead (t: Test, way: (publish: (frames: Frame[]) => void) => (frames: Frame[]) => void): void {
  const { publish } = MemoryBus.prototype
  MemoryBus.prototype.publish = function (this: MemoryBus, frames) { way(publish.bind(this))(frames) }
  t.teardown(() => { MemoryBus.prototype.publish = publish })
}

t.test('through random operations on a bus that loses, repeats and reorders, every connected client comes to what the server says', async t => {
  const random = seeded(chooseSeed(t))
  const spoiled: Record<string, number> = {}
  instead(t, publish => spoil(publish, random, spoiled))
  const parley = await startParley(t, { SWEEP_SECONDS: '0.3' })
  const chaos = new Chaos(parley, random)
  const clients = await Promise.all(USERS.map(userId => startClient(t, parley, userId)))
  let closed = 0
  for (const client of clients) client.on('closed', () => closed++)
  await chaos.setup()

  for (let checkpoint = 1; checkpoint <= 6; checkpoint++) {
    await chaos.run(100)
    await Promise.all(USERS.map((userId, index) => sameAsServer(t, parley, userId, clients[index] as never)))
  }
  t.same(chaos.faults, [], 'nothing has failed')
  t.equal(closed, 0, 'nobody had to come back')
  for (const what of ['lost', 'late', 'repeated']) t.ok((spoiled[what] ?? 0) > 10, `${spoiled[what]} frames ${what}`)
})

t.test('who clears a chat is still told who has joined it, when that comes late', async t => {
  let release = () => {}
  instead(t, publish => frames => {
    const late = frames.filter(frame => frame.kind === 'chat' && frame.type === 'participant_joined')
    publish(frames.filter(frame => !late.includes(frame)))
    if (late.length > 0) release = () => publish(late)
  })
  const parley = await startParley(t)
  const { chat } = await request<{ chat: { id: string } }>(parley, 'ann', 'POST', '/sessions', { type: 'GROUP', name: 'Group', participantIds: ['ben'] })
  const ben = await startClient(t, parley, 'ben')
  await request(parley, 'ann', 'POST', `/sessions/${chat.id}/participants`, { userIds: ['cat'] })
  ben.on('inbox_updated', () => release())
  await ben.command('clear_chat', { chatId: chat.id })
  await sameAsServer(t, parley, 'ben', ben)
  t.ok(ben.state.chats.get(chat.id)?.participants.has('cat'))
})
