// Who may see which file, and do what with it: by every route, and by the URLs that were signed while they might.
import t from 'tap'
import { urlKey } from '../../src/media/queries.ts'
import { ticketsOf } from '../../src/media/tickets.ts'
import { request } from '../helpers/live.ts'
import { download, picture, uploadOne } from '../helpers/media.ts'
import { startParley } from '../helpers/parley.ts'
import { rest } from '../helpers/wire.ts'
import { makeGroup, sendAny } from '../helpers/world.ts'

const parley = await startParley(t)
const MEDIA = '/api/v1/chat/media'
const bytes = await picture('navy', 40, 30)

interface File { id: string, url: string, thumbnailUrl: string | null }
interface Signed { url: string, thumbnailUrl: string }

async function signed (userId: string, { id }: File): Promise<Signed | undefined> {
  const { data } = await request<{ data: Signed[] }>(parley, userId, 'POST', '/media/urls', { ids: [id] })
  return data[0]
}

/** By each way there is: the file, its thumbnail, what is known of it, and URLs, old and new. */
async function ways (userId: string, file: File, old?: Signed): Promise<Record<string, number>> {
  const now = await signed(userId, file)
  const statusOf = async (path: string | null | undefined, as?: string) => path ? (await download(parley, path, as === undefined ? {} : { as })).status : 404
  return {
    file: await statusOf(file.url, userId),
    thumbnail: await statusOf(file.thumbnailUrl, userId),
    metadata: await statusOf(`${file.url}/metadata`, userId),
    newUrl: await statusOf(now?.url),
    newThumbnailUrl: await statusOf(now?.thumbnailUrl),
    ...(old && { oldUrl: await statusOf(old.url), oldThumbnailUrl: await statusOf(old.thumbnailUrl) }),
  }
}

const all = (status: number, { old = false } = {}) => ({
  file: status, thumbnail: status, metadata: status, newUrl: status, newThumbnailUrl: status, ...(old && { oldUrl: status, oldThumbnailUrl: status }),
})

/** alice's picture in a group of hers; with a message or without. */
async function shown (others: string[], { isSent = true, by = 'alice' } = {}) {
  const chatId = await makeGroup(parley, 'alice', others)
  const file = await uploadOne(parley, by, chatId, { name: 'x.jpg', bytes })
  const messageId = isSent ? (await sendAny(parley, by, chatId, { attachmentIds: [file.id] })).message.id : ''
  return { chatId, file, messageId }
}

t.test('members, and nobody else', async t => {
  const { file } = await shown(['bob'])
  for (const person of ['alice', 'bob']) t.strictSame(await ways(person, file), all(200), person)
  t.strictSame(await ways('stranger', file), all(404))
  t.equal((await download(parley, file.url)).status, 401, 'without a token')
  t.equal((await download(parley, `${MEDIA}/signed`)).status, 401, 'without a ticket')
  t.equal((await rest(parley, 'DELETE', file.url, { token: parley.token('bob') })).code, 'NOT_YOURS')
  t.equal((await rest(parley, 'DELETE', file.url, { token: parley.token('alice') })).code, 'ATTACHMENT_USED')
  t.equal((await rest(parley, 'DELETE', file.url, { token: parley.token('stranger') })).code, 'MEDIA_NOT_FOUND')
})

t.test('before it is sent: who has uploaded it', async t => {
  const { file, chatId } = await shown(['bob'], { isSent: false })
  t.strictSame(await ways('alice', file), all(200))
  t.strictSame(await ways('bob', file), all(404))
  for (const person of ['bob', 'stranger']) t.equal((await rest(parley, 'DELETE', file.url, { token: parley.token(person) })).code, 'MEDIA_NOT_FOUND')
  for (const person of ['bob', 'stranger']) t.equal((await rest(parley, 'POST', `${file.url}/complete`, { token: parley.token(person) })).code, 'MEDIA_NOT_FOUND')
  const old = await signed('alice', file)
  t.equal((await rest(parley, 'DELETE', file.url, { token: parley.token('alice') })).status, 204)
  t.strictSame(await ways('alice', file, old), all(404, { old: true }))
  t.equal((await rest(parley, 'POST', `/api/v1/chat/sessions/${chatId}/messages`, { token: parley.token('alice'), body: { attachmentIds: [file.id] } })).code, 'MEDIA_NOT_FOUND')
})

const endings: Record<string, { who: string, act: (its: { chatId: string, messageId: string }) => Promise<unknown> }> = {
  'who has left': { who: 'bob', act: ({ chatId }) => request(parley, 'bob', 'DELETE', `/sessions/${chatId}`) },
  'who was removed': { who: 'bob', act: ({ chatId }) => request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/bob`) },
  'who was banned from the chat': { who: 'bob', act: ({ chatId }) => request(parley, 'alice', 'POST', `/sessions/${chatId}/participants/bob/ban`, {}) },
  'who has deleted it for themselves': { who: 'bob', act: ({ messageId }) => request(parley, 'bob', 'DELETE', `/messages/${messageId}?scope=me`) },
  'who has cleared the chat': { who: 'bob', act: ({ chatId }) => request(parley, 'bob', 'POST', `/sessions/${chatId}/clear`) },
  'everybody, once it is deleted': { who: 'alice', act: ({ messageId }) => request(parley, 'alice', 'DELETE', `/messages/${messageId}`) },
  'everybody, once the chat is': { who: 'alice', act: ({ chatId }) => request(parley, 'alice', 'DELETE', `/sessions/${chatId}?scope=everyone`) },
  'who blocks its sender': { who: 'cyd', act: () => request(parley, 'cyd', 'PUT', '/blocks/alice') },
}
for (const [name, { who, act }] of Object.entries(endings)) {
  t.test(`no more: ${name}`, async t => {
    const its = await shown([who === 'cyd' ? 'cyd' : 'bob'])
    const old = await signed(who, its.file)
    t.strictSame(await ways(who, its.file, old), all(200, { old: true }))
    await act(its)
    t.strictSame(await ways(who, its.file, old), all(404, { old: true }))
  })
}

t.test('who has joined later', async t => {
  const { chatId, file } = await shown(['bob'])
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['lee'] })
  t.strictSame(await ways('lee', file), all(404))
  const later = await uploadOne(parley, 'alice', chatId, { name: 'later.jpg', bytes })
  await sendAny(parley, 'alice', chatId, { attachmentIds: [later.id] })
  t.strictSame(await ways('lee', later), all(200))
})

t.test('a member who has been banned by the administrators', async t => {
  const { file } = await shown(['dan'])
  const old = await signed('dan', file)
  const token = parley.token('root', { role: 'admin' })
  t.equal((await rest(parley, 'POST', '/api/v1/chat/admin/users/dan/ban', { token, body: { reason: 'spam' } })).status, 200)
  t.equal((await download(parley, old?.url ?? '')).status, 403)
  t.equal((await download(parley, file.url, { as: 'dan' })).status, 403)
})

t.test('onlookers of a STREAM, but not who is banned from it', async t => {
  const { chat: { id: chatId } } = await request<{ chat: { id: string } }>(parley, 'alice', 'POST', '/sessions', { type: 'STREAM', name: 'Live' })
  const file = await uploadOne(parley, 'alice', chatId, { name: 'live.jpg', bytes })
  await sendAny(parley, 'alice', chatId, { attachmentIds: [file.id] })
  t.strictSame(await ways('passer-by', file), all(200))
  const old = await signed('passer-by', file)
  const own = await uploadOne(parley, 'passer-by', chatId, { name: 'mine.jpg', bytes })
  await sendAny(parley, 'passer-by', chatId, { attachmentIds: [own.id] })
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants/passer-by/ban`, {})
  t.strictSame(await ways('passer-by', file, old), all(404, { old: true }))
})

t.test('a ticket is good for what it says, and cannot be made', async t => {
  const { file } = await shown(['bob'])
  const url = new URL(String((await signed('bob', file))?.url), parley.url)
  const [payload = '', signature = ''] = String(url.searchParams.get('ticket')).split('.')
  const content = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const codeOf = async (ticket: string, method = 'GET') => (await rest(parley, method, `${MEDIA}/signed?ticket=${ticket}`, method === 'PUT' ? { body: Buffer.from('x') } : {})).code
  const forged = (change: object) => `${Buffer.from(JSON.stringify({ ...content, ...change })).toString('base64url')}.${signature}`
  for (const change of [{ userId: 'alice' }, { expiresAt: content.expiresAt + 1 }, { use: 'thumbnail' }, { id: content.id.replace(/^.{8}/, '00000000') }]) t.equal(await codeOf(forged(change)), 'TOKEN_INVALID')
  for (const ticket of ['x', '.', `${payload}.`, payload, `${payload}.${signature}x`, `${payload}.${signature}.`]) t.equal(await codeOf(ticket), 'TOKEN_INVALID', ticket)
  t.equal(await codeOf(`${payload}.${signature}`, 'PUT'), 'TOKEN_INVALID', 'not for an upload')
  t.equal(content.expiresAt - content.issuedAt, 300_000, 'five minutes')
  const { ticket: over } = ticketsOf(await urlKey(parley.app.db)).issue({ use: 'file', id: file.id, userId: 'bob', seconds: 0 })
  t.equal(await codeOf(over), 'TOKEN_EXPIRED')
})
t.end()
