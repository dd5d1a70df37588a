import { mock } from 'node:test'
import t from 'tap'
import { ANSWER_WITHIN_MS, notNow } from '../../src/deadline.ts'
import { ChangesReader } from '../../src/sync/changes-reader.ts'
import { Turns } from '../../src/turns.ts'
import type { Database } from '../../src/plugins/database.ts'

/** A database whose reads end when the test says so. */
function controlled (atOnce: number) {
  const turns = new Turns(atOnce, 3)
  const reads: { userIds: string[], end: () => void }[] = []
  const db = {
    catchUp: (_step: string, read: () => Promise<unknown>) => turns.run(2, read, { within: ANSWER_WITHIN_MS, tooLate: notNow }),
    query: (_statement: unknown, [, userIds]: [string, string[]]) => new Promise(resolve => {
      reads.push({ userIds, end: () => resolve(userIds.map(userId => ({ userId, rows: '{}', own: '{}', upTo: 1, hasMore: false, ahead: false }))) })
    }),
  } as unknown as Database
  return { reader: new ChangesReader(db), reads }
}

t.test('who asks while a read waits joins it; who asks after it has begun does not', async t => {
  const { reader, reads } = controlled(1)
  const first = reader.read('chat', ['alice'], 5, 200)
  t.strictSame(reads.map(({ userIds }) => userIds), [['alice']], 'at once, where nobody is before')
  const others = ['bob', 'carol', 'alice'].map(userId => reader.read('chat', [userId], 5, 200))
  const elsewhere = [reader.read('chat', ['dave'], 4, 200), reader.read('chat', ['dave'], 5, 100), reader.read('other', ['dave'], 5, 200)]
  t.equal(reads.length, 1)
  reads[0]!.end()
  t.ok((await first).has('alice'))
  while (reads.length < 2) await new Promise(setImmediate)
  t.strictSame(reads[1]!.userIds, ['bob', 'carol', 'alice'], 'one read for all who have waited for the same')
  const late = reader.read('chat', ['erin'], 5, 200)
  for (let n = 1; n < 6; n++) {
    while (reads.length <= n) await new Promise(setImmediate)
    reads[n]!.end()
  }
  t.strictSame(reads.slice(2).map(({ userIds }) => userIds), [['dave'], ['dave'], ['dave'], ['erin']], 'other cursors, pages and chats are other reads; and so is what came too late')
  for (const found of await Promise.all([...others, late])) t.ok(found.size > 0)
  for (const found of await Promise.all(elsewhere)) t.ok(found.has('dave'))
})

t.test('a read that fails fails for all who wait for it, and for nobody after', async t => {
  const turns = new Turns(1, 3)
  let failing = true
  const db = {
    catchUp: (_step: string, read: () => Promise<unknown>) => turns.run(2, read),
    query: async () => { if (failing) throw new Error('the connection is lost'); return [] },
  } as unknown as Database
  const reader = new ChangesReader(db)
  const failed = await Promise.allSettled(['alice', 'bob', 'carol'].map(userId => reader.read('chat', [userId], 5, 200)))
  t.strictSame(failed.map(({ status }) => status), ['rejected', 'rejected', 'rejected'])
  failing = false
  t.equal((await reader.read('chat', ['alice'], 5, 200)).size, 0)
})

t.test('a read whose turn comes too late is refused to all who wait for it, and not joined by anybody after', async t => {
  mock.timers.enable({ apis: ['Date'] })
  t.teardown(() => mock.timers.reset())
  const { reader, reads } = controlled(1)
  const first = reader.read('chat', ['alice'], 5, 200)
  const late = Promise.allSettled(['bob', 'carol'].map(userId => reader.read('chat', [userId], 5, 200)))
  mock.timers.tick(ANSWER_WITHIN_MS + 1)
  const soon = reader.read('other', ['dave'], 5, 200)
  reads[0]!.end()
  await first
  t.match(await late, [{ reason: { code: 'OVERLOADED', retryable: true } }, { reason: { code: 'OVERLOADED' } }])
  while (reads.length < 2) await new Promise(setImmediate)
  t.strictSame(reads[1]!.userIds, ['dave'], 'the turn goes on to who has not waited so long')
  reads[1]!.end()
  await soon
  const again = reader.read('chat', ['bob'], 5, 200)
  t.strictSame(reads[2]!.userIds, ['bob'])
  reads[2]!.end()
  t.ok((await again).has('bob'))
})

t.test('turns: the more urgent first, never more than so many at once', async t => {
  const turns = new Turns(2, 2)
  const order: string[] = []
  let running = 0
  const task = (name: string) => async () => {
    order.push(name)
    t.ok(++running <= 2, `${name}: not more than two`)
    await new Promise(setImmediate)
    running--
  }
  await Promise.all([turns.run(1, task('a')), turns.run(1, task('b')), turns.run(1, task('late 1')), turns.run(0, task('urgent')), turns.run(1, task('late 2'))])
  t.strictSame(order, ['a', 'b', 'urgent', 'late 1', 'late 2'])
  await t.rejects(turns.run(0, async () => { throw new Error('no') }), { message: 'no' })
  await Promise.all(['c', 'd', 'e'].map(name => turns.run(0, task(name))))
  t.strictSame(order.slice(5), ['c', 'd', 'e'], 'what fails gives its turn back')
})

t.end()
