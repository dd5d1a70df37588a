// Nobody finds what they could not read. Each time there is something older that may be found, and a page holds one hit: what
// must not be seen neither comes nor takes its place.
import t, { type Test } from 'tap'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeDirect, makeGroup, send } from '../helpers/world.ts'
import { search, textsOf, untilFound } from './helpers.ts'

const parley = await startParley(t)
const sql = await connectSql(t, parley)
const rest = (userId: string, method: string, path: string, body?: object) => request(parley, userId, method, path, body)

async function finds (t: Test, userId: string, chatId: string, texts: string[], q = 'secret'): Promise<void> {
  for (const parameters of [{ chatId }, { senderId: '' }, { chatId, order: 'best' }]) {
    const { senderId, ...where } = parameters as { senderId?: string }
    const found: (string | null)[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await search(parley, userId, q, { ...where, limit: 1, ...(cursor !== '' && { cursor }) })
      t.equal(page.data.length, texts.length === 0 ? 0 : 1, 'a full page')
      found.push(...page.data.map(({ message }) => message.content))
      cursor = page.nextCursor
    }
    t.strictSame(found, texts, JSON.stringify(where))
  }
}

/** Each test has people of its own, so that "everywhere" is this chat. */
let people = 0
const [owner, other] = [() => `owner${people}`, () => `other${people}`]
async function group (more: object = {}): Promise<string> {
  people++
  return makeGroup(parley, owner(), [other()], more)
}

t.test('from before their joining', async t => {
  const chatId = await group()
  await send(parley, owner(), chatId, 'secret one')
  await rest(owner(), 'POST', `/sessions/${chatId}/participants`, { userIds: [`late${people}`] })
  await finds(t, `late${people}`, chatId, [])
  await send(parley, owner(), chatId, 'secret two')
  await finds(t, `late${people}`, chatId, ['secret two'])
  await finds(t, other(), chatId, ['secret two', 'secret one'])
})

t.test('but all of it where new members see the whole history', async t => {
  const chatId = await group({ settings: { historyForNewMembers: 'ALL' } })
  await send(parley, owner(), chatId, 'secret one')
  await rest(owner(), 'POST', `/sessions/${chatId}/participants`, { userIds: [`late${people}`] })
  await finds(t, `late${people}`, chatId, ['secret one'])
})

t.test('cleared', async t => {
  const chatId = await group()
  await send(parley, owner(), chatId, 'secret one')
  await rest(other(), 'POST', `/sessions/${chatId}/clear`)
  await finds(t, other(), chatId, [])
  await finds(t, owner(), chatId, ['secret one'])
})

t.test('what retention has taken away', async t => {
  const chatId = await group()
  const { seq } = await send(parley, owner(), chatId, 'secret one')
  await send(parley, owner(), chatId, 'secret two')
  await sql.rows('UPDATE chat.chat_head SET min_seq = $2::integer + 1 WHERE chat_id = $1', [chatId, seq])
  await finds(t, other(), chatId, ['secret two'])
})

t.test('deleted for me', async t => {
  const chatId = await group()
  await send(parley, owner(), chatId, 'secret one')
  const { id } = await send(parley, owner(), chatId, 'secret two')
  await rest(other(), 'DELETE', `/messages/${id}?scope=me`)
  await finds(t, other(), chatId, ['secret one'])
  await finds(t, owner(), chatId, ['secret two', 'secret one'])
})

t.test('deleted for everyone', async t => {
  const chatId = await group()
  await send(parley, other(), chatId, 'secret one')
  const { id } = await send(parley, other(), chatId, 'secret two')
  await rest(owner(), 'DELETE', `/messages/${id}?scope=everyone`)
  await finds(t, other(), chatId, ['secret one'])
  await finds(t, owner(), chatId, ['secret one'])
})

t.test('from somebody whom they block, as long as they do', async t => {
  const chatId = await group()
  await send(parley, owner(), chatId, 'secret one')
  await send(parley, other(), chatId, 'secret two')
  await rest(owner(), 'PUT', `/blocks/${other()}`)
  await finds(t, owner(), chatId, ['secret one'])
  await finds(t, other(), chatId, ['secret two', 'secret one'])
  t.strictSame((await search(parley, owner(), 'secret', { chatId, senderId: other() })).data, [])
  await rest(owner(), 'DELETE', `/blocks/${other()}`)
  await finds(t, owner(), chatId, ['secret two', 'secret one'])
})

t.test('in chats that they have left, or were removed from', async t => {
  for (const remove of [(chatId: string) => rest(other(), 'DELETE', `/sessions/${chatId}`), (chatId: string) => rest(owner(), 'DELETE', `/sessions/${chatId}/participants/${other()}`)]) {
    const chatId = await group()
    await send(parley, owner(), chatId, 'secret one')
    await remove(chatId)
    await t.rejects(search(parley, other(), 'secret', { chatId }), { code: 'CHAT_NOT_FOUND' })
    t.strictSame(await textsOf(parley, other(), 'secret'), [])
    await rest(owner(), 'POST', `/sessions/${chatId}/participants`, { userIds: [other()] })
    await send(parley, owner(), chatId, 'secret two')
    await finds(t, other(), chatId, ['secret two'])
  }
})

t.test('in chats that were deleted', async t => {
  const chatId = await group()
  await send(parley, owner(), chatId, 'secret one')
  await rest(owner(), 'DELETE', `/sessions/${chatId}?scope=everyone`)
  for (const userId of [owner(), other()]) {
    await t.rejects(search(parley, userId, 'secret', { chatId }), { code: 'CHAT_NOT_FOUND' })
    t.strictSame(await textsOf(parley, userId, 'secret'), [])
  }
})

t.test('in chats of others', async t => {
  const chatId = await group()
  await makeDirect(parley, 'stranger', owner())
  await send(parley, owner(), chatId, 'secret one')
  await t.rejects(search(parley, 'stranger', 'secret', { chatId }), { code: 'CHAT_NOT_FOUND' })
  t.strictSame(await textsOf(parley, 'stranger', 'secret'), [])
  t.strictSame(await textsOf(parley, 'nobody', 'secret'), [])
})

t.test('SYSTEM and ENCRYPTED messages', async t => {
  const chatId = await group()
  const items = [{ type: 'SYSTEM', senderId: null, system: { kind: 'secret', actorId: null, targetIds: [], data: {} } }, { type: 'ENCRYPTED', senderId: owner() }, { type: 'TEXT', senderId: owner() }]
  for (const withKeys of [true, false]) {
    await sql.rows('SELECT * FROM chat.send_messages($1)', [JSON.stringify(items.map((item, n) =>
      ({ ...item, chatId, content: `secret ${item.type}`, clientMessageId: `${n}${withKeys}`, requestHash: 'x', ...(withKeys && { searchKeys: ` secret ${item.type.toLowerCase()} ` }) })))])
  }
  await untilFound(parley, other(), 'secret', 2, { chatId })
  await finds(t, other(), chatId, ['secret TEXT', 'secret TEXT'])
  t.strictSame(await sql.row('SELECT count(*)::integer AS count FROM chat.message_search WHERE chat_id = $1', [chatId]), { count: 2 }, 'they have no keys either')
  await sql.rows("UPDATE chat.chat_message SET type = 'ENCRYPTED' WHERE chat_id = $1 AND type = 'TEXT'", [chatId])
  await finds(t, other(), chatId, [])
})

t.end()
