import t, { type Test } from 'tap'
import type { ChatView, CommandData, Membership } from '../../src/contract.ts'
import { request, sameAsServer, startClient, until } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { makeDirect, makeGroup, send } from '../helpers/world.ts'

type Settings = Omit<CommandData<'update_membership'>, 'chatId'>

const parley = await startParley(t)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const set = (userId: string, chatId: string, settings: Settings) => rest<Membership>(userId, 'PATCH', `/sessions/${chatId}/me`, settings)
const view = (userId: string, chatId: string) => rest<ChatView>(userId, 'GET', `/sessions/${chatId}`)
const mine = async (userId: string, chatId: string) => (await view(userId, chatId)).membership
const list = async (userId: string, query = '') => (await rest<{ data: ChatView[] }>(userId, 'GET', `/sessions${query}`)).data.map(({ chat }) => chat.id)
const total = async (userId: string) => (await rest<{ totalUnread: number }>(userId, 'GET', '/unread')).totalUnread
const NEVER = '2099-01-01T00:00:00.000Z'
const LONG_AGO = '2000-01-01T00:00:00.000Z'
let people = 0

/** ann's chats with ben, oldest first: the number of groups asked for. */
async function setup (groups = 1) {
  const [ann, ben] = [`ann${++people}`, `ben${people}`]
  const chatIds: string[] = []
  for (let n = 0; n < groups; n++) {
    const chatId = await makeGroup(parley, ann, [ben])
    await send(parley, ben, chatId, 'hello')
    chatIds.push(chatId)
  }
  return { ann, ben, chatIds, chatId: chatIds[0] as string }
}

t.test('what is not given stays as it is, and all of it is mine alone', async t => {
  const { ann, ben, chatId } = await setup()
  const before = await view(ben, chatId)
  const socket = await signIn(t, parley, ben)
  t.match(await mine(ann, chatId), { notifications: 'ALL', mutedUntil: null, archived: false, archivedSeq: null, pinnedAt: null, markedUnread: false })
  const { pinnedAt } = await set(ann, chatId, { pinned: true })
  t.match(pinnedAt, /Z$/)
  t.match(await set(ann, chatId, { notifications: 'MENTIONS', pinned: true }), { notifications: 'MENTIONS', pinnedAt, mutedUntil: null })
  t.match(await set(ann, chatId, { mutedUntil: '2099-01-01T02:00:00+02:00' }), { notifications: 'MENTIONS', pinnedAt, mutedUntil: NEVER })
  t.match(await set(ann, chatId, { markedUnread: true, archived: true }), { notifications: 'MENTIONS', pinnedAt, mutedUntil: NEVER, markedUnread: true, archived: true, archivedSeq: 1 })
  t.match(await set(ann, chatId, { mutedUntil: null, pinned: false, markedUnread: false, archived: false, notifications: 'ALL' }), { mutedUntil: null, archived: false, pinnedAt: null, markedUnread: false })
  t.strictSame(await view(ben, chatId), before)
  t.strictSame((await socket.soFar()).filter(({ type }) => type !== 'unread_message'), [])
})

t.test('on all of my devices', async t => {
  const { ann, chatId } = await setup()
  const [phone, laptop] = [await startClient(t, parley, ann), await startClient(t, parley, ann)]
  const onLaptop = () => laptop.state.chats.get(chatId)?.membership
  await phone.command('update_membership', { chatId, pinned: true, mutedUntil: NEVER, markedUnread: true, notifications: 'NONE' })
  await until(laptop, () => onLaptop()?.markedUnread === true)
  t.match(onLaptop(), { pinnedAt: /Z$/, mutedUntil: NEVER, notifications: 'NONE' })
  await phone.command('update_membership', { chatId, archived: true })
  await until(laptop, () => onLaptop()?.archived === true)
  await sameAsServer(t, parley, ann, phone, laptop)
})

t.test('an archived chat', async t => {
  /** What ann's open client and the server say of it. */
  const archived = async (t: Test, settings: Settings) => {
    const { ann, ben, chatId } = await setup()
    const client = await startClient(t, parley, ann)
    await set(ann, chatId, settings)
    await until(client, state => state.chats.get(chatId)?.membership?.archived === true)
    return {
      ann,
      ben,
      chatId,
      is: async () => {
        await sameAsServer(t, parley, ann, client)
        const [active, hidden] = [await list(ann), await list(ann, '?state=archived')]
        t.equal(active.length + hidden.length, 1)
        t.equal((await mine(ann, chatId))?.archived, hidden.includes(chatId))
        return hidden.includes(chatId)
      }
    }
  }

  t.test('comes back with a new message', async t => {
    const { ann, ben, chatId, is } = await archived(t, { archived: true })
    t.equal(await is(), true)
    await rest(ann, 'PATCH', `/sessions/${chatId}/participants/${ben}`, { label: 'VIP' })
    t.equal(await is(), true, 'not with a SYSTEM message')
    await rest(ben, 'PUT', `/messages/${chatId}.1`, { content: 'edited' })
    t.equal(await is(), true, 'nor with an edit')
    await send(parley, ben, chatId, 'new')
    t.equal(await is(), false)
    await set(ann, chatId, { mutedUntil: NEVER })
    t.equal(await is(), false, 'and does not go again when it is muted')
  })

  t.test('does not while it is muted', async t => {
    const { ann, ben, chatId, is } = await archived(t, { archived: true, mutedUntil: NEVER })
    await send(parley, ben, chatId, 'new')
    t.equal(await is(), true)
    await set(ann, chatId, { mutedUntil: null })
    t.equal(await is(), false)
  })

  t.test('does when it was muted until long ago', async t => {
    const { ben, chatId, is } = await archived(t, { archived: true, mutedUntil: LONG_AGO })
    await send(parley, ben, chatId, 'new')
    t.equal(await is(), false)
  })

  t.test('does when I say so, by the routes too', async t => {
    const { ann, chatId, is } = await archived(t, { archived: true })
    t.match(await rest(ann, 'POST', `/sessions/${chatId}/unarchive`), { archived: false, archivedSeq: null })
    t.equal(await is(), false)
    t.match(await rest(ann, 'POST', `/sessions/${chatId}/archive`), { archived: true })
    t.equal(await is(), true)
  })
})

t.test('the list: pinned first, then by newest activity, in pages', async t => {
  const { ann, ben, chatIds } = await setup(4)
  const [one, two, three, four] = chatIds as [string, string, string, string]
  t.strictSame(await list(ann), [four, three, two, one])
  await set(ann, one, { pinned: true })
  await set(ann, three, { pinned: true })
  await send(parley, ben, two, 'newer')
  t.strictSame(await list(ann), [three, one, two, four])
  await send(parley, ben, one, 'newest')
  const order = [one, three, two, four]
  t.strictSame(await list(ann), order)
  const seen: string[] = []
  for (let query = '?limit=1'; query !== '';) {
    const page = await rest<{ data: ChatView[], nextCursor: string | null }>(ann, 'GET', `/sessions${query}`)
    seen.push(...page.data.map(({ chat }) => chat.id))
    query = page.nextCursor === null ? '' : `?limit=1&cursor=${page.nextCursor}`
  }
  t.strictSame(seen, order)
  await set(ann, one, { pinned: false })
  t.strictSame(await list(ann), [three, one, two, four])
})

t.test('the list: active or archived, and by type', async t => {
  const { ann, ben, chatIds } = await setup(2)
  const [one, two] = chatIds as [string, string]
  const direct = await makeDirect(parley, ann, ben)
  await send(parley, ben, direct, 'hello')
  await set(ann, one, { archived: true })
  t.strictSame(await list(ann), [direct, two])
  t.strictSame(await list(ann, '?state=active&type=GROUP'), [two])
  t.strictSame(await list(ann, '?state=archived'), [one])
  t.strictSame(await list(ann, '?state=archived&type=DIRECT'), [])
  await set(ann, direct, { archived: true })
  t.strictSame(await list(ann, '?state=archived'), [direct, one])
})

t.test('in the total of what is unread: no muted and no archived chats', async t => {
  const { ann, ben, chatIds } = await setup(3)
  const [one, two, three] = chatIds as [string, string, string]
  t.equal(await total(ann), 3)
  await set(ann, one, { mutedUntil: NEVER })
  t.equal(await total(ann), 2)
  await set(ann, two, { archived: true })
  t.equal(await total(ann), 1)
  t.equal((await view(ann, one)).head.unreadCount, 1, 'each has its own')
  await set(ann, three, { pinned: true, notifications: 'NONE' })
  t.equal(await total(ann), 1)
  await send(parley, ben, two, 'back again')
  t.equal(await total(ann), 3)
  await set(ann, one, { mutedUntil: LONG_AGO })
  t.equal(await total(ann), 4)
})

t.test('reading takes "unread" off, also where there is nothing new', async t => {
  const { ann, chatId } = await setup()
  const socket = await signIn(t, parley, ann)
  const unmarked = () => socket.next('inbox_updated', ({ data }) => data.memberships[0]?.markedUnread === false)
  await rest(ann, 'POST', `/sessions/${chatId}/read`, {})
  for (const upTo of [{}, { upToSeq: 1 }]) {
    await set(ann, chatId, { markedUnread: true })
    t.match(await rest(ann, 'POST', `/sessions/${chatId}/delivered`, {}), { updated: false })
    t.equal((await mine(ann, chatId))?.markedUnread, true, 'getting does not')
    t.match(await rest(ann, 'POST', `/sessions/${chatId}/read`, upTo), { updated: false, unreadCount: 0 })
    t.equal((await mine(ann, chatId))?.markedUnread, false)
    await unmarked()
  }
})

t.test('who comes back to a group begins anew', async t => {
  const { ann, ben, chatId } = await setup()
  await set(ben, chatId, { pinned: true, archived: true, markedUnread: true })
  await rest(ben, 'DELETE', `/sessions/${chatId}`)
  await t.rejects(set(ben, chatId, { pinned: false }), { code: 'CHAT_NOT_FOUND' })
  await rest(ann, 'POST', `/sessions/${chatId}/participants`, { userIds: [ben] })
  t.match(await mine(ben, chatId), { pinnedAt: null, archived: false, markedUnread: false })
})

t.end()
