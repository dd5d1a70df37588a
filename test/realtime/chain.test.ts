// Frames once and in order, whatever the bus does to them.
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { Chain } from '../../src/realtime/chain.ts'
import { matchEach } from '../helpers/match.ts'

interface Link { previousRevision: number, revision: number }
const link = (revision: number, previousRevision = revision - 1): Link => ({ previousRevision, revision })

const PATIENCE_MS = 100
const RETRY_MS = 1_000

/** A chain whose repairs are answered by the test, and whose time goes on by `mock.timers.tick` alone. */
function makeChain (t: Test) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const delivered: number[] = []
  const repairs: { since: number, end: (reached: number) => void, fail: (error: Error) => void }[] = []
  const errors: unknown[] = []
  const chain = new Chain<Link>({
    deliver: ({ revision }) => { delivered.push(revision) },
    repair: since => new Promise((resolve, reject) => { repairs.push({ since, end: resolve, fail: reject }) }),
    onError: error => { errors.push(error) },
  })
  const accept = (...links: Link[]) => { for (const each of links) chain.accept(each) }
  /** The newest repair, once the patience is over. */
  const repair = () => {
    mock.timers.tick(PATIENCE_MS)
    return repairs.at(-1) as typeof repairs[number]
  }
  return { chain, delivered, repairs, errors, accept, repair }
}

/** What follows a repair happens in the microtasks after it. */
const settled = () => new Promise<void>(resolve => setImmediate(resolve))

t.test('what follows directly is delivered at once', async t => {
  const { chain, accept, delivered } = makeChain(t)
  chain.start(4)
  accept(link(5), link(7, 5), link(8))
  t.strictSame(delivered, [5, 7, 8])
  t.equal(chain.delivered, 8)
})

t.test('before the start everything waits; what the start covers is dropped', async t => {
  const { chain, accept, delivered } = makeChain(t)
  accept(link(6), link(5), link(7))
  t.strictSame(delivered, [])
  chain.start(5)
  t.strictSame(delivered, [6, 7])
  chain.start(99)
  accept(link(8))
  t.strictSame(delivered, [6, 7, 8], 'a chain starts once')
})

t.test('repeated and reordered frames', async t => {
  const { chain, accept, delivered, repairs } = makeChain(t)
  chain.start(0)
  accept(link(1), link(1), link(3), link(4))
  mock.timers.tick(PATIENCE_MS - 1)
  accept(link(2), link(2), link(4), link(1))
  t.strictSame(delivered, [1, 2, 3, 4])
  accept(link(9, 6), link(6, 4))
  t.strictSame(delivered, [1, 2, 3, 4, 6, 9], 'frames that cover several revisions, too')
  mock.timers.tick(RETRY_MS)
  t.strictSame(repairs, [], 'are nothing to ask the database for')
})

t.test('a frame that does not come in time is read from the database', async t => {
  const { chain, accept, delivered, repairs, repair } = makeChain(t)
  chain.start(0)
  accept(link(1), link(3))
  mock.timers.tick(PATIENCE_MS - 1)
  t.strictSame(repairs, [])
  const { since, end } = repair()
  t.equal(since, 1, 'from what was delivered')
  accept(link(4), link(2)) // late, and new
  t.strictSame(delivered, [1], 'frames wait for the repair')
  end(3)
  await settled()
  t.strictSame(delivered, [1, 4], 'what it has brought is not delivered again')
})

t.test('one repair at a time, and another one for what it has not brought', async t => {
  const { chain, accept, delivered, repairs, repair } = makeChain(t)
  chain.start(0)
  accept(link(2))
  const first = repair()
  accept(link(5))
  chain.expect(5)
  mock.timers.tick(RETRY_MS)
  t.equal(repairs.length, 1)
  first.end(2)
  await settled()
  const second = repair()
  t.equal(second.since, 2)
  second.end(5)
  await settled()
  accept(link(6))
  t.strictSame(delivered, [6])
})

t.test('a repair that has failed is tried again', async t => {
  const { chain, accept, delivered, repairs, errors, repair } = makeChain(t)
  chain.start(0)
  accept(link(2))
  repair().fail(new Error('the database is away'))
  await settled()
  matchEach(t, errors, [{ message: 'the database is away' }])
  accept(link(1))
  t.strictSame(delivered, [1, 2], 'frames that fill the gap meanwhile are as good')
  accept(link(4))
  mock.timers.tick(RETRY_MS)
  matchEach(t, repairs, [{ since: 0 }, { since: 2 }])
})

t.test('what somebody has seen in the database is repaired, without any frame', async t => {
  const { chain, accept, delivered, repairs, repair } = makeChain(t)
  chain.start(3)
  chain.expect(2)
  chain.expect(3)
  mock.timers.tick(RETRY_MS)
  t.strictSame(repairs, [], 'what was delivered is not')
  chain.expect(5)
  const { since, end } = repair()
  t.equal(since, 3)
  end(5)
  await settled()
  chain.expect(5)
  mock.timers.tick(RETRY_MS)
  t.equal(repairs.length, 1)
  accept(link(6))
  t.strictSame(delivered, [6])
})

t.test('a repair that finds less than was expected does not go on for ever', async t => {
  const { chain, accept, delivered, repairs, repair } = makeChain(t)
  chain.start(3)
  chain.expect(9) // rolled back by a failover
  repair().end(4)
  await settled()
  mock.timers.tick(RETRY_MS)
  t.equal(repairs.length, 1)
  accept(link(5))
  t.strictSame(delivered, [5])
})

t.test('a chain that is closed delivers nothing more', async t => {
  const { chain, accept, delivered, repairs, repair } = makeChain(t)
  chain.start(0)
  accept(link(2))
  const { end } = repair()
  accept(link(3))
  chain.close()
  end(2)
  await settled()
  accept(link(4))
  chain.expect(9)
  chain.start(9)
  mock.timers.tick(RETRY_MS)
  t.strictSame(delivered, [])
  t.equal(repairs.length, 1)
})

t.test('a chain that is closed while it repairs, and fails, stays closed', async t => {
  const { chain, accept, delivered, repairs, repair } = makeChain(t)
  chain.start(0)
  accept(link(2))
  const { fail } = repair()
  chain.close()
  fail(new Error('the database is away'))
  await settled()
  accept(link(1), link(2))
  mock.timers.tick(RETRY_MS)
  t.strictSame(delivered, [])
  t.equal(repairs.length, 1)
})

t.test('what no frame will come of is read at once; what is heard of meanwhile, right after', async t => {
  const { chain, delivered, repairs, accept } = makeChain(t)
  chain.start(4)
  chain.pull(4)
  t.equal(repairs.length, 0, 'it is known')
  chain.pull(6)
  t.strictSame(repairs.map(({ since }) => since), [4])
  chain.pull(7)
  repairs[0]?.end(6)
  await settled()
  t.strictSame(repairs.map(({ since }) => since), [4, 6], 'without waiting for a frame')
  accept(link(8))
  repairs[1]?.end(7)
  await settled()
  t.strictSame(delivered, [8])
  chain.pull(9)
  repairs[2]?.end(8) // it was rolled back
  await settled()
  t.equal(repairs.length, 3, 'what is not there is not asked for again and again')
})

t.test('what cannot be read is not asked for with every word of it', async t => {
  const { chain, repairs } = makeChain(t)
  chain.start(0)
  chain.pull(1)
  repairs[0]?.fail(new Error('away'))
  await settled()
  for (let revision = 2; revision < 20; revision++) chain.pull(revision)
  t.equal(repairs.length, 1)
  mock.timers.tick(RETRY_MS)
  t.equal(repairs.length, 2)
  repairs[1]?.end(19)
  await settled()
  chain.pull(20)
  t.equal(repairs.length, 3, 'at once again')
})

t.end()
