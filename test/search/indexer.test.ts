// Filters and keys, made beside the sends.
import t from 'tap'
import { makeFilters } from '../../src/search/indexer.ts'
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

t.test('sends fill a block: its filter is made without being asked for', async () => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 120, n => `filler ${n}`)
  for (let n = 0; n < 10; n++) await send(parley, 'ann', chatId, `one more ${n}`)
  await sql.until('EXISTS (SELECT FROM chat.search_filter WHERE chat_id = $1 AND level = 0 AND number = 0)', [chatId])
})

t.test('an edit before the filter is in it, one after it is looked at by itself', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 130, n => `filler ${n}`)
  await request(parley, 'ann', 'PATCH', `/messages/${chatId}.5`, { content: 'zebra' })
  t.equal(await isLoose(chatId, 5), true)
  await makeFilters(db, chatId, 10)
  t.equal(await isLoose(chatId, 5), false)
  t.strictSame(await textsOf(parley, 'ben', 'zebra', { chatId }), ['zebra'])
  await request(parley, 'ann', 'PATCH', `/messages/${chatId}.6`, { content: 'quagga' })
  t.equal(await isLoose(chatId, 6), true)
  t.strictSame(await textsOf(parley, 'ben', 'quagga', { chatId }), ['quagga'])
  t.strictSame(await textsOf(parley, 'ben', 'filler', { chatId, limit: 100 }).then(texts => texts.length), 100)
})

t.test('an edit while a filter is made: who has not read it does not settle it', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 130, n => `filler ${n}`)
  const slow: Queryable = {
    query: async (statement, values) => {
      if (statement.name === 'search.insertFilter') await request(parley, 'ann', 'PATCH', `/messages/${chatId}.5`, { content: 'okapi' })
      return sql.client.query({ ...statement, values }).then(({ rows }) => rows)
    },
  }
  await makeFilters(slow, chatId, 10)
  t.equal(await isLoose(chatId, 5), true)
  t.strictSame(await textsOf(parley, 'ben', 'okapi', { chatId }), ['okapi'])
})

t.test('a block with a message that has no keys yet waits', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 130, n => `filler ${n}`)
  await sql.rows('BEGIN')
  await sql.rows('UPDATE chat.message_search SET keys = NULL WHERE chat_id = $1 AND seq = 7', [chatId])
  await makeFilters({ query: (statement, values) => sql.client.query({ ...statement, values }).then(({ rows }) => rows) }, chatId, 10)
  t.strictSame(await sql.rows('SELECT FROM chat.search_filter WHERE chat_id = $1', [chatId]), [])
  await sql.rows('ROLLBACK')
  await makeFilters(db, chatId, 10)
  t.strictSame(await sql.rows('SELECT number FROM chat.search_filter WHERE chat_id = $1', [chatId]), [{ number: 0 }])
})

t.test('filters pass over the blocks that cannot have it, and over no other', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await fill(chatId, 1_000, n => n === 300 ? 'a needle' : `hay ${n}`)
  await makeFilters(db, chatId, 10)
  t.strictSame(await textsOf(parley, 'ben', 'needle', { chatId }), ['a needle'])
  // Behind the filters' back: what is in a block that they rule out is not found, which shows that they are asked.
  await sql.rows("UPDATE chat.message_search SET keys = ' unseen ' WHERE chat_id = $1 AND seq = 200", [chatId])
  t.strictSame((await search(parley, 'ben', 'unseen', { chatId })).data, [])
  await sql.rows('DELETE FROM chat.search_filter WHERE chat_id = $1 AND number = 1', [chatId])
  await sql.rows("UPDATE chat.chat_message SET content = 'unseen' WHERE chat_id = $1 AND seq = 200", [chatId])
  await sql.until("EXISTS (SELECT FROM chat.message_search WHERE chat_id = $1 AND seq = 200 AND keys = ' unseen ')", [chatId])
  t.strictSame(await textsOf(parley, 'ben', 'unseen', { chatId }), ['unseen'])
})

t.test('no plan reads the messages, their keys or the filters from end to end', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  for (let n = 0; n < 4; n++) await fill(chatId, 1_000, index => `word${index % 7} number ${n} ${index}`)
  await makeFilters(db, chatId, 100)
  await sql.rows('ANALYZE')
  const scans = async () => (await sql.row<{ scans: number }>(
    "SELECT sum(seq_scan)::integer AS scans FROM pg_stat_xact_user_tables WHERE relid IN ('chat.chat_message'::regclass, 'chat.message_search'::regclass, 'chat.search_filter'::regclass)")).scans
  const { searchService } = await import('../../src/search/service.ts')
  const service = searchService({ query: (statement, values) => sql.client.query({ ...statement, values }).then(({ rows }) => rows) })
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
