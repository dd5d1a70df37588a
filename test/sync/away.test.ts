import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Client } from '../../src/client/client.ts'
import { systemClock } from '../../src/client/clock.ts'
import { bound } from '../../src/client/state.ts'
import { cuttable, newClient, sameAsServer } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { Chaos, chooseSeed, seeded, USERS } from '../helpers/random-operations.ts'

const OPERATIONS = 2000
const CHECKPOINTS = 4

/** Somebody whose connection breaks all the time, and who is sometimes away for longer. */
class Traveller {
  readonly userId: string
  readonly client: Client
  readonly cut: () => void
  /** For so many operations more. */
  awayFor = 0
  closed = 0

  constructor (t: Test, parley: Parameters<typeof newClient>[1], userId: string, random: () => number) {
    this.userId = userId
    const { WebSocket, cut } = cuttable()
    this.cut = cut
    // Back within some 30 ms, not a second: there are many journeys to make.
    this.client = newClient(t, parley, userId, { WebSocket, clock: { ...systemClock, random: () => random() * 0.03 } })
    this.client.on('closed', () => this.closed++)
    this.client.start()
  }

  step (random: () => number): void {
    if (this.awayFor > 0) {
      if (--this.awayFor === 0) this.client.start()
      return
    }
    const chance = random()
    if (chance < 0.004) {
      this.awayFor = Math.ceil(random() * 150)
      this.client.stop()
    } else if (chance < 0.03) {
      this.cut()
    }
  }

  async arrive (): Promise<void> {
    this.awayFor = 0
    this.client.start()
    await this.client.whenSynced()
  }
}

t.test('through random operations and broken connections, every client comes to what the server says', async t => {
  const random = seeded(chooseSeed(t))
  const parley = await startParley(t)
  const chaos = new Chaos(parley, random)
  await chaos.setup()
  const travellers = USERS.map(userId => new Traveller(t, parley, userId, random))

  for (let checkpoint = 1; checkpoint <= CHECKPOINTS; checkpoint++) {
    await chaos.run(OPERATIONS / CHECKPOINTS, async () => {
      for (const traveller of travellers) traveller.step(random)
      await sleep(random() * 2) // so that the connections get their turn between the operations
    })
    await Promise.all(travellers.map(async traveller => {
      await traveller.arrive()
      await sameAsServer(t, parley, traveller.userId, traveller.client)
    }))
  }

  t.test('and to all of its history', async t => {
    await Promise.all(travellers.map(async ({ userId, client }) => {
      for (const chatId of client.state.chats.keys()) {
        while (client.state.chats.get(chatId)?.hasOlder) await client.loadOlder(chatId, 20)
        const chat = client.state.chats.get(chatId)
        t.ok(chat && chat.fromSeq <= bound(chat) + 1)
      }
      await sameAsServer(t, parley, userId, client)
    }))
  })

  t.same(chaos.faults, [], 'nothing has failed')
  for (const [kind, done] of chaos.done) t.ok(done > 0, `${kind}: ${done} done, ${chaos.refused.get(kind)} refused`)
  for (const { userId, closed } of travellers) t.ok(closed >= 20, `${userId} has been cut off ${closed} times`)
})
