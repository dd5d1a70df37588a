import type { Test } from 'tap'
import { MemoryBus } from '../../src/realtime/bus/memory.ts'
import type { Frame } from '../../src/realtime/frames.ts'
import { sameAsServer, startClient } from '../helpers/live.ts'
import { startNodes } from '../helpers/nodes.ts'
import type { Parley } from '../helpers/parley.ts'
import { Chaos, chooseSeed, seeded, USERS } from '../helpers/random-operations.ts'

/** A late frame comes after those that were heard in this time. Longer than the hub waits for it. */
const LATE_MS = 250

type Hearing = { hear (frame: Frame): void }

/** Of what the servers of this test hear, of themselves and of each other, some is lost, late or repeated. (Nothing repairs the fleeting: it comes.) */
function spoil (t: Test, random: () => number): Record<string, number> {
  const spoiled: Record<string, number> = {}
  const did = (what: string) => { spoiled[what] = (spoiled[what] ?? 0) + 1 }
  const bus = MemoryBus.prototype as unknown as Hearing
  const { hear } = bus
  t.teardown(() => { bus.hear = hear })
  bus.hear = function (frame) {
    const chance = frame.kind === 'fleeting' ? 1 : random()
    if (chance < 0.06) return did('lost')
    if (chance < 0.12) {
      did('late')
      setTimeout(() => hear.call(this, frame), random() * LATE_MS)
      return
    }
    hear.call(this, frame)
    if (chance < 0.18) {
      did('repeated')
      hear.call(this, frame)
    }
  }
  return spoiled
}

export function chaosTest (t: Test, settings: Record<string, string>): void {
  t.test('through random operations on three nodes, on a bus that loses, repeats and reorders, every connected client comes to what the server says', async t => {
    const random = seeded(chooseSeed(t))
    const spoiled = spoil(t, random)
    const nodes = await startNodes(t, 3, { SWEEP_SECONDS: '0.5', ...settings })
    const any = () => nodes[Math.floor(random() * nodes.length)] as Parley
    const anywhere = Object.create(any(), { url: { get: () => any().url } }) as Parley
    const chaos = new Chaos(anywhere, random)
    const clients = await Promise.all(USERS.map((userId, index) => startClient(t, nodes[index % nodes.length] as Parley, userId)))
    let closed = 0
    for (const client of clients) client.on('closed', () => closed++)
    await chaos.setup()

    for (let checkpoint = 1; checkpoint <= 3; checkpoint++) {
      await chaos.run(100)
      await Promise.all(USERS.map((userId, index) => sameAsServer(t, anywhere, userId, clients[index] as never)))
    }
    t.same(chaos.faults, [], 'nothing has failed')
    t.equal(closed, 0, 'nobody had to come back')
    for (const what of ['lost', 'late', 'repeated']) t.ok((spoiled[what] ?? 0) > 10, `${spoiled[what]} frames ${what}`)
  })
}
