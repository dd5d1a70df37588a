// Reading, editing and deleting messages.
import t from 'tap'
import type { Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { matchEach } from '../helpers/match.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
interface Page { data: Message[], related: Record<string, object>, users: Record<string, object>, watermarks: object[], nextCursor: string | null }
const page = (userId: string, chatId: string, query = '') => request<Page>(parley, userId, 'GET', `/sessions/${chatId}/messages${query}`)
const edit = (userId: string, messageId: string, content: string) => request<{ message: Message }>(parley, userId, 'PUT', `/messages/${messageId}`, { content })
const remove = (userId: string, messageId: string, scope: 'me' | 'everyone') => request<{ message: Message }>(parley, userId, 'DELETE', `/messages/${messageId}?scope=${scope}`)

t.test('pages, ascending, from the end and from the middle', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  for (let n = 1; n <= 9; n++) await send(parley, n % 2 ? 'alice' : 'bob', chatId, `${n}`)
  const seqs = async (query: string) => {
    const { data, nextCursor } = await page('bob', chatId, query)
    return [data.map(({ seq }) => seq), nextCursor]
  }
  t.strictSame(await seqs('?limit=4'), [[6, 7, 8, 9], '6'])
  t.strictSame(await seqs('?limit=4&before=6'), [[2, 3, 4, 5], '2'])
  t.strictSame(await seqs('?limit=4&before=2'), [[1], null])
  t.strictSame(await seqs('?limit=4&before=1'), [[], null])
  t.strictSame(await seqs('?limit=4&after=0'), [[1, 2, 3, 4], '4'])
  t.strictSame(await seqs('?limit=4&after=5'), [[6, 7, 8, 9], null])
  t.strictSame(await seqs('?limit=4&after=9'), [[], null])
  t.strictSame(await seqs('?limit=4&around=5'), [[4, 5, 6, 7], '4'])
  t.strictSame(await seqs('?limit=4&around=2147483647'), [[8, 9], '8'])
  t.strictSame(await seqs('?senderId=alice&limit=2'), [[7, 9], '7'])
  for (const query of ['?before=1&after=2', '?limit=0', '?limit=101', '?before=-1', '?before=x', '?after=2147483648']) await t.rejects(page('bob', chatId, query), { code: 'VALIDATION_FAILED' }, query)
})

t.test('by time, as far as time goes', async t => {
  const chatId = await makeGroup(parley, 'alice')
  const [first, second] = [await send(parley, 'alice', chatId, '1'), await send(parley, 'alice', chatId, '2')]
  const sql = await connectSql(t, parley)
  await sql.rows("UPDATE chat.chat_message SET created_at = created_at - interval '1 hour' WHERE chat_id = $1 AND seq = 1", [chatId])
  t.strictSame((await page('alice', chatId, `?from=${second.createdAt}`)).data.map(({ seq }) => seq), [2])
  t.strictSame((await page('alice', chatId, `?to=${first.createdAt}`)).data.map(({ seq }) => seq), [1])
  for (const query of ['?from=0000-01-01T00:00:00Z', '?to=2026-01-01T00:00:00%2B23:59', '?from=yesterday']) await t.rejects(page('alice', chatId, query), { code: 'VALIDATION_FAILED' }, query)
})

t.test('a page brings what it quotes, as the reader may see it', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const first = await send(parley, 'alice', chatId, 'quoted')
  const second = await send(parley, 'alice', chatId, 'will be deleted')
  await send(parley, 'bob', chatId, 'to the first', { replyToId: first.id })
  await send(parley, 'bob', chatId, 'to the second', { replyToId: second.id })
  await remove('alice', second.id, 'everyone')
  t.match(await page('alice', chatId, '?limit=2'), {
    related: { [first.id]: { content: 'quoted' }, [second.id]: { unavailable: true } }, users: { bob: { id: 'bob' } }, watermarks: [{ userId: 'alice' }, { userId: 'bob' }],
  })
  await remove('bob', first.id, 'me')
  t.match((await page('bob', chatId, '?limit=2')).related, { [first.id]: { unavailable: true } }, 'hidden from me')
})

t.test('an edit keeps what was said before', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const { id, revision } = await send(parley, 'alice', chatId, 'one', { metadata: { a: 1 } })
  const edited = await edit('alice', id, 'two')
  t.match(edited.message, { content: 'two', metadata: { a: 1 }, revision: revision + 1, seq: 1, editedAt: String })
  t.strictSame(await edit('alice', id, 'two'), edited, 'the same again changes nothing')
  await edit('alice', id, 'three')
  matchEach(t, (await request<{ data: object[] }>(parley, 'bob', 'GET', `/messages/${id}/edits`)).data, [{ version: 1, content: 'one', metadata: { a: 1 } }, { version: 2, content: 'two' }])
  await t.rejects(edit('bob', id, 'mine'), { code: 'NOT_YOURS' })
  await t.rejects(edit('zoe', id, 'mine'), { code: 'MESSAGE_NOT_FOUND' })
  await remove('alice', id, 'everyone')
  await t.rejects(edit('alice', id, 'four'), { code: 'MESSAGE_DELETED' })
  t.strictSame(await request(parley, 'bob', 'GET', `/messages/${id}/edits`), { data: [], nextCursor: null }, 'what a deleted message said is nobody’s to see')
})

t.test('the window for edits closes', async t => {
  const strict = await startParley(t, { EDIT_WINDOW_SECONDS: '60' })
  const chatId = await makeGroup(strict, 'alice')
  const { id } = await send(strict, 'alice', chatId, 'one')
  const sql = await connectSql(t, strict)
  await sql.rows("UPDATE chat.chat_message SET created_at = created_at - interval '50 s'")
  t.match(await request(strict, 'alice', 'PATCH', `/messages/${id}`, { content: 'two' }), { message: { content: 'two' } })
  await sql.rows("UPDATE chat.chat_message SET created_at = created_at - interval '10 s'")
  await t.rejects(request(strict, 'alice', 'PATCH', `/messages/${id}`, { content: 'three' }), { code: 'EDIT_WINDOW_CLOSED' })
})

t.test('deleting for everyone blanks the row and keeps its numbers', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const message = await send(parley, 'alice', chatId, 'secret', { metadata: { also: 'secret' } })
  const bob = await signIn(t, parley, 'bob')
  await t.rejects(remove('bob', message.id, 'everyone'), { code: 'ROLE_REQUIRED' })
  const deleted = await remove('alice', message.id, 'everyone')
  t.strictSame(deleted.message, { ...message, content: null, metadata: {}, revision: message.revision + 1, deletedAt: deleted.message.deletedAt, deletedById: 'alice' })
  t.strictSame((await bob.next('message_deleted')).data, deleted)
  t.strictSame(await remove('alice', message.id, 'everyone'), deleted, 'twice is as good')
  t.strictSame(await history(parley, 'bob', chatId), [deleted.message])
  const sql = await connectSql(t, parley)
  matchEach(t, await sql.rows('SELECT content, metadata FROM chat.message_version WHERE chat_id = $1', [chatId]), [{ content: 'secret', metadata: { also: 'secret' } }], 'kept for administrators')
})

t.test('deleting for me hides the message on all my devices, and from nobody else', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const { id } = await send(parley, 'alice', chatId, 'hello')
  const [desk, alice] = [await signIn(t, parley, 'bob'), await signIn(t, parley, 'alice')]
  for (let n = 0; n < 2; n++) t.match(await remove('bob', id, 'me'), { message: { id } })
  t.match((await desk.next('inbox_updated')).data, { hidden: [{ chatId, messageId: id }] })
  t.strictSame([await history(parley, 'bob', chatId), (await history(parley, 'alice', chatId)).length], [[], 1])
  t.strictSame([await desk.soFar('inbox_updated'), await alice.soFar('message_deleted', 'inbox_updated')], [[], []])
  await t.rejects(request(parley, 'bob', 'GET', `/messages/${id}`), { code: 'MESSAGE_NOT_FOUND' })
  await t.rejects(remove('zoe', id, 'me'), { code: 'MESSAGE_NOT_FOUND' })
})

t.test('text comes back as it was sent', async t => {
  const chatId = await makeGroup(parley, 'alice')
  for (const content of ['👩‍👩‍👧‍👦 e\u0301 \u00e9', 'שלום\u200f مرحبا', '\u2028\u2029</script>', "'; DROP TABLE chat.chat_message; --", '%s %n $1 \\u0000', 'x'.repeat(10_000), '👍'.repeat(10_000)]) {
    t.equal((await send(parley, 'alice', chatId, content)).content, content)
    t.equal((await history(parley, 'alice', chatId, '?limit=1'))[0]?.content, content)
  }
  await t.rejects(send(parley, 'alice', chatId, '👍'.repeat(10_001)), { code: 'VALIDATION_FAILED' })
})

t.end()
