// What people have got by fetching it is written behind: soon, once, and before the server is gone.
import { mock } from 'node:test'
import { pino } from 'pino'
import t from 'tap'
import { ApiError } from '../../src/errors.ts'
import { Deliveries } from '../../src/receipts/deliveries.ts'
import type { Mark, Marking } from '../../src/receipts/queries.ts'
import { startParley } from '../helpers/parley.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeGroup, send } from '../helpers/world.ts'

const log = pino({ level: 'silent' })

function recorded () {
  const written: Mark[] = []
  const marks = { do: async (mark: Mark): Promise<Marking> => { written.push(mark); return { status: 'rejected', code: 'CHAT_NOT_FOUND' } } }
  return { written, deliveries: new Deliveries(marks, log) }
}

t.test('within 250 ms, by then sent, and of each member and chat only the highest', t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { written, deliveries } = recorded()
  deliveries.fetched('bob', 'a', 2)
  mock.timers.tick(99)
  for (const [userId, chatId, upToSeq] of [['bob', 'a', 6], ['bob', 'a', 4], ['carol', 'a', 3], ['bob', 'b', 1]] as const) deliveries.fetched(userId, chatId, upToSeq)
  mock.timers.tick(1)
  t.strictSame(written, [], 'what has been fetched just now is not written yet')
  deliveries.fetched('carol', 'a', 5)
  mock.timers.tick(100)
  t.strictSame(written.splice(0).map(({ userId, chatId, upToSeq, isRead }) => [userId, chatId, upToSeq, isRead]), [['bob', 'a', 6, false], ['carol', 'a', 3, false], ['bob', 'b', 1, false]])
  mock.timers.tick(100)
  t.match(written, [{ userId: 'carol', upToSeq: 5 }], 'what came later is written a turn later')
  mock.timers.tick(10_000)
  t.equal(written.length, 1)
  t.end()
})

t.test('what cannot be written is not the end of anything', async t => {
  const deliveries = new Deliveries({ do: async () => { throw new ApiError('OVERLOADED') } }, log)
  deliveries.fetched('bob', 'a', 2)
  await t.resolves(deliveries.flush())
})

t.test('a server that goes away writes down what it has sent', async t => {
  const parley = await startParley(t)
  const sql = await connectSql(t, parley)
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  for (const content of ['one', 'two']) await send(parley, 'alice', chatId, content)
  await history(parley, 'bob', chatId)
  await parley.app.close()
  t.match(await sql.row("SELECT delivered_seq, read_seq FROM chat.chat_participant WHERE chat_id = $1 AND user_id = 'bob'", [chatId]), { delivered_seq: 2, read_seq: 0 })
})

t.end()
