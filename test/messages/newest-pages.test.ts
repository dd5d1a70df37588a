// The newest page is kept and given to others: each of them must see what they would see if it were read for them alone.
import t from 'tap'
import type { Message } from '../../src/contract.ts'
import { SharedText } from '../../src/json.ts'
import { NewestPages } from '../../src/messages/newest-pages.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const { pool } = parley.app.db
const LIMITS = [3, 100]
/** More than there can be: the same page, but read anew each time. */
const END = 2_147_483_647

t.test('after every change everybody sees their own newest page', async t => {
  const people = ['alice', 'bob', 'carol', 'dave', 'erin']
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol', 'dave'])
  const path = `/sessions/${chatId}/messages`
  const check = async (after: string) => {
    for (const limit of LIMITS) {
      for (const userId of [...people, ...people]) { // what the first one has read is known to the next
        const read = (query: string) => request<object>(parley, userId, 'GET', `${path}?limit=${limit}${query}`).then(page => ({ ...page, watermarks: 'move by themselves' })).catch(error => error.code === 'CHAT_NOT_FOUND' ? 'not in the chat' : Promise.reject(error))
        t.strictSame(await read(''), await read(`&before=${END}`), `${after}: ${limit} for ${userId}`)
      }
    }
  }
  const change = async (userId: string, method: 'POST' | 'PUT' | 'DELETE' | 'PATCH', to: string, body?: object) => {
    await request(parley, userId, method, to, body)
    await check(`${method} ${to}`)
  }

  const sent: Message[] = []
  for (let n = 1; n <= 7; n++) sent.push(await send(parley, n % 2 ? 'alice' : 'bob', chatId, `${n}`))
  const [first, , third, fourth, , , seventh] = sent as [Message, Message, Message, Message, Message, Message, Message]
  await check('seven messages')
  await change('alice', 'PUT', `/messages/${seventh.id}`, { content: 'edited' })
  await change('carol', 'POST', `/messages/${seventh.id}/reactions`, { emoji: '👍' })
  await change('alice', 'POST', `/messages/${fourth.id}/pin`)
  await change('carol', 'POST', path, { content: 'an answer', replyToId: third.id })
  await change('carol', 'DELETE', `/messages/${first.id}?scope=me`)
  await change('bob', 'DELETE', `/messages/${seventh.id}?scope=me`)
  await change('dave', 'PUT', '/blocks/bob')
  await change('dave', 'DELETE', '/blocks/bob')
  await change('alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['erin'] }) // who sees from here on
  await change('erin', 'POST', path, { content: 'hello' })
  await change('erin', 'POST', path, { content: 'hello?' }) // three now: all that erin sees, and as many as are asked for
  await change('bob', 'POST', path, { content: 'an answer to what erin cannot see', replyToId: fourth.id })
  await change('dave', 'POST', `/sessions/${chatId}/clear`)
  await change('bob', 'DELETE', `/messages/${fourth.id}?scope=everyone`)
  await change('alice', 'PATCH', '/me', { displayName: 'Alice Liddell' })
  await change('dave', 'POST', `/sessions/${chatId}/read`, {})
  await change('alice', 'DELETE', `/sessions/${chatId}/participants/carol`)
  await pool.query('SELECT chat.delete_messages($1, 1, 6)', [chatId])
  await pool.query('UPDATE chat.chat_head SET last_revision = last_revision + 1 WHERE chat_id = $1', [chatId])
  await check('the first five are gone')
})

t.test('a page of one epoch is not known in the next: the same revision may be another history there', async t => {
  let epoch = 'one'
  const pages = new NewestPages(() => epoch)
  const page = { revision: 7, firstSeq: 1, lastSeq: 3, lowestSeq: 1, senders: [], json: new SharedText('[]') }
  const read = () => pages.read('chat', 50, async known => ({ known, newest: page })).then(found => found?.known)
  t.equal(await read(), undefined)
  t.equal(await read(), page)
  epoch = 'two'
  t.equal(await read(), undefined)
  t.equal(await read(), page)
})

t.end()
