// Posting lists and keys, made beside the sends.
import t from 'tap'
import { indexNext } from '../../src/search/indexer.ts'
import type { Queryable } from '../../src/plugins/database.ts'
import { fold } from '../../src/search/text.ts'
import { startParley } from '../helpers/parley.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup, send } from '../helpers/world.ts'
import { request } from '../helpers/live.ts'
import { search, textsOf } from './helpers.ts'

const parley = await startParley(t)
const sql = await connectSql(t, parley)
const { db } = parley.app

/** As an application sends by SQL, but with the keys: nothing is left to be made later, and nobody is told of full blocks. */
async function fill (chatId: string, count: number, text: (n: number) => string): Promise<void> {
  const items = Array.from({ length: count }, (_, n) => ({ chatId, senderId: 'ann', content: text(n), clientMessageId: `${n} ${text(n)}`, requestHash: 'x', searchKeys: fold(text(n)) }))
  await sql.rows('SELECT idx FROM chat.send_messages($1)', [JSON.stringify(items)])
}

const isLoose = async (chatId: string, seq: number) => (await sql.row<{ loose: boolean }>('SELECT loose FROM chat.message_search WHERE chat_id = $1 AND seq = $2', [chatId, seq])).loose

const onOneConnection: Queryable = { query: (statement, values) => sql.client.query({ ...statement, values }).then(({ rows }) => rows) }

/** Does something right before a segment is stored. */
function beforeStoring (act: () => Promise<unknown>): Queryable {
  return {
    query: async (statement, values) => {
      if (statement.name === 'search.storeSegment') await act()
      return onOneConnection.query(statement, values)
    },
  }
}

async function indexAll (chatId: string): Promise<void> {
  while (await indexNext(db, chatId));
}

const segments = (chatId: string) => sql.rows('SELECT DISTINCT level, number FROM chat.search_segment WHERE chat_id = $1 ORDER BY level DESC, number', [chatId])

t.test('sends fill a block: it is indexed without being asked for', async () => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 120, n => `filler ${n}`)
  for (let n = 0; n < 10; n++) await send(parley, 'ann', chatId, `one more ${n}`)
  await sql.until('EXISTS (SELECT FROM chat.search_progress WHERE chat_id = $1 AND indexed = 128)', [chatId])
})

t.test('what an earlier process has left is indexed by the next one', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 300, n => `filler ${n}`)
  await startParley(t, { DATABASE_URL: parley.databaseUrl })
  await sql.until('EXISTS (SELECT FROM chat.search_progress WHERE chat_id = $1 AND indexed = 256)', [chatId])
})

t.test('four segments of a size become one of the next', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 500, n => n === 100 ? 'a needle' : `hay ${n}`)
  await indexAll(chatId)
  t.strictSame(await segments(chatId), [{ level: 0, number: 0 }, { level: 0, number: 1 }, { level: 0, number: 2 }])
  t.strictSame(await textsOf(parley, 'ben', 'needle', { chatId }), ['a needle'])
  await fill(chatId, 150, n => `more hay ${n}`)
  await indexAll(chatId)
  t.strictSame(await segments(chatId), [{ level: 1, number: 0 }, { level: 0, number: 4 }])
  t.strictSame(await textsOf(parley, 'ben', 'needle', { chatId }), ['a needle'])
})

t.test('an edit before the segment is made is in it, one after it is looked at by itself', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 130, n => `filler ${n}`)
  await request(parley, 'ann', 'PATCH', `/messages/${chatId}.5`, { content: 'zebra' })
  t.equal(await isLoose(chatId, 5), true)
  await indexAll(chatId)
  t.equal(await isLoose(chatId, 5), false)
  t.strictSame(await textsOf(parley, 'ben', 'zebra', { chatId }), ['zebra'])
  await request(parley, 'ann', 'PATCH', `/messages/${chatId}.6`, { content: 'quagga' })
  t.equal(await isLoose(chatId, 6), true)
  t.strictSame(await textsOf(parley, 'ben', 'quagga', { chatId }), ['quagga'])
  t.equal((await textsOf(parley, 'ben', 'filler', { chatId, limit: 100 })).length, 100)
})

t.test('an edit while a segment is made: who has not read it does not settle it', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 130, n => `filler ${n}`)
  await indexNext(beforeStoring(() => request(parley, 'ann', 'PATCH', `/messages/${chatId}.5`, { content: 'okapi' })), chatId)
  t.equal(await isLoose(chatId, 5), true)
  t.strictSame(await textsOf(parley, 'ben', 'okapi', { chatId }), ['okapi'])
})

t.test('a segment of which many messages have changed is made anew', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 640, n => `filler ${n}`)
  await indexAll(chatId)
  await sql.rows("UPDATE chat.chat_message SET content = 'gnu ' || seq WHERE chat_id = $1 AND seq <= 300", [chatId])
  await sql.until('NOT EXISTS (SELECT FROM chat.message_search WHERE chat_id = $1 AND (loose OR keys IS NULL))', [chatId])
  t.strictSame(await textsOf(parley, 'ben', '"gnu 17"', { chatId }), ['gnu 17'])
  t.strictSame(await segments(chatId), [{ level: 1, number: 0 }, { level: 0, number: 4 }])
})

t.test('of two who make the same segment, who has read first comes too late', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 640, n => `filler ${n}`)
  const overtake = (content: string) => beforeStoring(async () => {
    await request(parley, 'ann', 'PATCH', `/messages/${chatId}.5`, { content })
    await indexAll(chatId)
  })
  t.equal(await indexNext(overtake('okapi'), chatId), false)
  t.strictSame([await isLoose(chatId, 5), await textsOf(parley, 'ben', 'okapi', { chatId })], [false, ['okapi']])
  await sql.rows('UPDATE chat.message_search SET loose = true WHERE chat_id = $1 AND seq <= 300', [chatId])
  t.equal(await indexNext(overtake('quagga'), chatId), false)
  t.strictSame([await isLoose(chatId, 5), await textsOf(parley, 'ben', 'quagga', { chatId })], [false, ['quagga']])
})

t.test('a segment with a message that has no keys yet waits', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 130, n => `filler ${n}`)
  await sql.rows('BEGIN')
  await sql.rows('UPDATE chat.message_search SET keys = NULL WHERE chat_id = $1 AND seq = 7', [chatId])
  t.equal(await indexNext(onOneConnection, chatId), false)
  t.strictSame(await segments(chatId), [])
  await sql.rows('ROLLBACK')
  await indexAll(chatId)
  t.strictSame(await segments(chatId), [{ level: 0, number: 0 }])
})

t.test('the lists are asked', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 1_000, n => n === 300 ? 'a needle' : `hay ${n}`)
  await indexAll(chatId)
  t.strictSame(await textsOf(parley, 'ben', 'needle', { chatId }), ['a needle'])
  // Behind their back: what they do not know is not found.
  await sql.rows("UPDATE chat.message_search SET keys = ' unseen ' WHERE chat_id = $1 AND seq = 200", [chatId])
  t.strictSame((await search(parley, 'ben', 'unseen', { chatId })).data, [])
  await sql.rows("UPDATE chat.chat_message SET content = 'unseen' WHERE chat_id = $1 AND seq = 200", [chatId])
  await sql.until("EXISTS (SELECT FROM chat.message_search WHERE chat_id = $1 AND seq = 200 AND loose AND keys = ' unseen ')", [chatId])
  t.strictSame(await textsOf(parley, 'ben', 'unseen', { chatId }), ['unseen'])
})

t.test('no plan reads the messages, their keys or the lists from end to end', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  for (let n = 0; n < 4; n++) await fill(chatId, 1_000, index => `word${index % 7} number ${n} ${index}`)
  await indexAll(chatId)
  await sql.rows('ANALYZE')
  const scans = async () => (await sql.row<{ scans: number }>(
    "SELECT sum(seq_scan)::integer AS scans FROM pg_stat_xact_user_tables WHERE relid IN ('chat.chat_message'::regclass, 'chat.message_search'::regclass, 'chat.search_segment'::regclass, 'chat.search_progress'::regclass)")).scans
  const { searchService } = await import('../../src/search/service.ts')
  const service = searchService(onOneConnection)
  await sql.rows('BEGIN')
  const before = await scans()
  for (let n = 0; n < 7; n++) {
    for (const q of ['word3', 'w', 'nothing', '"number 2"']) {
      for (const id of [chatId, undefined]) for (const order of ['newest', 'best'] as const) await service.search('ben', id, { q, order, senderId: 'ann', from: '2020-01-01T00:00:00.000Z', limit: 10 })
    }
  }
  t.equal(await scans() - before, 0)
  await sql.rows("SELECT count(*) FROM chat.message_search WHERE keys LIKE '%x%'")
  t.equal(await scans() - before, 1, 'and one would be seen')
  await sql.rows('COMMIT')
})

t.end()
