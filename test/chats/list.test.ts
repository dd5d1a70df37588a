// The list of my chats: what is in it, in which order, page by page.
import t from 'tap'
import type { ChatView } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { matchEach } from '../helpers/match.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
interface Page { data: ChatView[], nextCursor: string | null }
const list = (userId: string, query = '') => request<Page>(parley, userId, 'GET', `/sessions${query}`)
const idsOf = async (userId: string, query = '') => (await list(userId, query)).data.map(({ chat }) => chat.id)

t.test('pinned first, then by newest activity; page by page the same', async t => {
  const chats: string[] = []
  for (let n = 0; n < 7; n++) chats.push(await makeGroup(parley, 'alice', ['bob'], { name: `${n}` }))
  for (const n of [4, 1, 5]) await send(parley, 'alice', chats[n] as string, 'hello')
  const sql = await connectSql(t, parley)
  await sql.rows("UPDATE chat.chat_participant SET pinned_at = now() WHERE chat_id = $1 AND user_id = 'alice'", [chats[2]])
  const wanted = [2, 5, 1, 4, 6, 3, 0].map(n => chats[n])
  t.strictSame(await idsOf('alice'), wanted)
  t.strictSame(await idsOf('bob'), [5, 1, 4, 6, 3, 2, 0].map(n => chats[n]), 'a pin is one’s own')
  const paged: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page = await list('alice', `?limit=2${cursor && `&cursor=${cursor}`}`)
    t.ok(page.data.length <= 2)
    paged.push(...page.data.map(({ chat }) => chat.id))
    cursor = page.nextCursor
  }
  t.strictSame(paged, wanted)
  await t.rejects(list('alice', '?cursor=rubbish'), { code: 'VALIDATION_FAILED' })
})

t.test('chats of the same moment are neither lost nor repeated between pages', async t => {
  const chats = await Promise.all(Array.from({ length: 6 }, () => makeGroup(parley, 'ada')))
  const sql = await connectSql(t, parley)
  await sql.rows('UPDATE chat.chat_session SET created_at = $2 WHERE id = ANY ($1::uuid[])', [chats, new Date()])
  const paged: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page = await list('ada', `?limit=1${cursor && `&cursor=${cursor}`}`)
    paged.push(...page.data.map(({ chat }) => chat.id))
    cursor = page.nextCursor
  }
  t.strictSame(paged.toSorted(), chats.toSorted())
})

t.test('by type', async t => {
  const [groupId, directId] = [await makeGroup(parley, 'carol'), await makeDirect(parley, 'carol', 'dave')]
  t.strictSame(await idsOf('carol', '?type=GROUP'), [groupId])
  t.strictSame(await idsOf('carol', '?type=DIRECT'), [directId])
  await t.rejects(list('carol', '?type=PARTY'), { code: 'VALIDATION_FAILED' })
})

t.test('an empty DIRECT chat is its maker’s alone, until somebody says something', async t => {
  const chatId = await makeDirect(parley, 'erin', 'frank')
  t.strictSame([await idsOf('erin'), await idsOf('frank')], [[chatId], []])
  await send(parley, 'erin', chatId, 'hello')
  matchEach(t, (await list('frank')).data, [{ chat: { id: chatId }, head: { unreadCount: 1 }, lastMessage: { content: 'hello' } }])
})

t.test('a DIRECT chat that I delete is cleared and unlisted for me, until something new comes', async t => {
  const chatId = await makeDirect(parley, 'gina', 'hugo')
  await send(parley, 'gina', chatId, 'old')
  const desk = await signIn(t, parley, 'hugo')
  await request(parley, 'hugo', 'DELETE', `/sessions/${chatId}`)
  t.match((await desk.next('inbox_updated')).data, { memberships: [{ chatId, clearedSeq: 1, archived: true, state: 'JOINED' }] }, 'on all my devices')
  t.strictSame([await idsOf('hugo'), await idsOf('gina')], [[], [chatId]])
  t.strictSame(await history(parley, 'hugo', chatId), [])
  t.equal((await history(parley, 'gina', chatId)).length, 1)
  await request(parley, 'hugo', 'DELETE', `/sessions/${chatId}`)
  t.strictSame(await idsOf('hugo'), [], 'twice is as good')
  await send(parley, 'gina', chatId, 'new')
  matchEach(t, (await list('hugo')).data, [{ chat: { id: chatId }, head: { unreadCount: 1 }, lastMessage: { content: 'new' }, membership: { archived: false } }])
  t.strictSame((await history(parley, 'hugo', chatId)).map(({ content }) => content), ['new'])
})

t.test('a cleared chat stays listed', async t => {
  const chatId = await makeGroup(parley, 'ivan', ['jane'])
  await send(parley, 'jane', chatId, 'old')
  t.match(await request(parley, 'ivan', 'POST', `/sessions/${chatId}/clear`), { chatId, clearedSeq: 1, archived: false })
  matchEach(t, (await list('ivan')).data, [{ chat: { id: chatId }, lastMessage: null, head: { unreadCount: 0, lastSeq: 1 } }])
  matchEach(t, (await list('jane')).data, [{ lastMessage: { content: 'old' } }], 'and is not cleared for others')
})

t.test('a group that I delete is left; a chat that is deleted for everyone is gone', async t => {
  const chatId = await makeGroup(parley, 'kim', ['liam'])
  await request(parley, 'liam', 'DELETE', `/sessions/${chatId}`)
  t.strictSame([await idsOf('liam'), await idsOf('kim')], [[], [chatId]])
  await request(parley, 'kim', 'DELETE', `/sessions/${chatId}?scope=everyone`)
  t.strictSame(await idsOf('kim'), [])
  for (const ask of [() => request(parley, 'kim', 'GET', `/sessions/${chatId}`), () => history(parley, 'kim', chatId), () => request(parley, 'kim', 'GET', `/sessions/${chatId}/changes?since=0`)]) {
    await t.rejects(ask as () => Promise<unknown>, { code: 'CHAT_NOT_FOUND' })
  }
})

t.test('what somebody who comes later sees of the history', async t => {
  for (const [historyForNewMembers, seen] of [['NONE', [null]], ['ALL', ['old', null]]] as const) {
    const chatId = await makeGroup(parley, 'mia', [], { settings: { historyForNewMembers } })
    await send(parley, 'mia', chatId, 'old')
    await request(parley, 'mia', 'POST', `/sessions/${chatId}/participants`, { userIds: ['nick'] })
    t.strictSame((await history(parley, 'nick', chatId)).map(({ content }) => content), seen, historyForNewMembers)
    t.match((await request<ChatView>(parley, 'nick', 'GET', `/sessions/${chatId}`)).head, { unreadCount: 0 }, 'and nothing of it is unread')
    const one = request(parley, 'nick', 'GET', `/messages/${chatId}.1`)
    if (historyForNewMembers === 'ALL') t.match(await one, { message: { content: 'old' } })
    else await t.rejects(one, { code: 'MESSAGE_NOT_FOUND' })
  }
})

t.test('who comes back sees nothing of the time in between, nor of the time before', async t => {
  const chatId = await makeGroup(parley, 'olga', ['pete'])
  await send(parley, 'olga', chatId, 'before')
  await request(parley, 'pete', 'DELETE', `/sessions/${chatId}`)
  await send(parley, 'olga', chatId, 'in between')
  await request(parley, 'olga', 'POST', `/sessions/${chatId}/participants`, { userIds: ['pete'] })
  await send(parley, 'olga', chatId, 'after')
  t.strictSame((await history(parley, 'pete', chatId)).map(({ content, system }) => content ?? system?.kind), ['participants_added', 'after'])
  matchEach(t, (await list('pete')).data, [{ chat: { id: chatId }, head: { unreadCount: 1 } }])
})

t.end()
