// Who is online: leases in the database, which nodes renew and which run out.
import { once } from 'node:events'
import t from 'tap'
import type { Test } from 'tap'
import { request } from '../helpers/live.ts'
import { startParley, type Parley } from '../helpers/parley.ts'
import { signIn, type Socket } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeDirect, makeGroup } from '../helpers/world.ts'

interface Presence { userId: string, status: string, lastSeenAt: string | null }
const QUICK = { PRESENCE_LEASE_SECONDS: '0.6', PRESENCE_GRACE_SECONDS: '0.3' }
const presenceOf = (parley: Parley, viewer: string, userId: string) => request<Presence>(parley, viewer, 'GET', `/users/${userId}/presence`)
const of = (userId: string) => ({ data }: { data: { userId: string } }) => data.userId === userId

/** Once it is known to be online. */
async function online (t: Test, parley: Parley, userId: string): Promise<Socket> {
  const socket = await signIn(t, parley, userId)
  while ((await presenceOf(parley, userId, userId)).status !== 'ONLINE') { /* its lease is being taken */ }
  return socket
}

t.test('coming and going', async t => {
  const parley = await startParley(t, QUICK)
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const alice = await online(t, parley, 'alice')
  t.match(await presenceOf(parley, 'alice', 'bob'), { status: 'OFFLINE', lastSeenAt: null })
  const bob = await online(t, parley, 'bob')
  t.strictSame((await alice.next('user_online')).data, { userId: 'bob', status: 'ONLINE', statusText: null, lastSeenAt: null })
  t.match(await alice.command('get_online_users', { chatId }), { chatId, userIds: ['alice', 'bob'], onlineCount: 2 })
  t.match(await alice.command('get_online_users', {}), { userIds: ['bob'], onlineCount: 1 })

  const before = Date.now()
  bob.ws.terminate()
  const { data } = await alice.next('user_offline')
  t.match(data, { userId: 'bob', status: 'OFFLINE' })
  t.ok(Date.parse(String(data.lastSeenAt)) >= before - 1_000 && Date.parse(String(data.lastSeenAt)) <= Date.now(), 'last seen when they went')
  t.strictSame(await presenceOf(parley, 'alice', 'bob'), { userId: 'bob', status: 'OFFLINE', statusText: null, lastSeenAt: data.lastSeenAt })
  t.match(await alice.command('get_online_users', { chatId }), { userIds: ['alice'], onlineCount: 1 })
})

t.test('who comes back within the grace was never away, nor is who has another device', async t => {
  const parley = await startParley(t, { PRESENCE_LEASE_SECONDS: '0.6', PRESENCE_GRACE_SECONDS: '600' })
  await makeGroup(parley, 'alice', ['bob', 'carol'])
  const alice = await online(t, parley, 'alice')
  const phone = await online(t, parley, 'bob')
  await alice.next('user_online', of('bob'))
  const desk = await online(t, parley, 'bob')
  phone.ws.terminate()
  const gone = once(parley.app.hub.roster, 'gone')
  desk.ws.terminate()
  await gone
  t.match(await presenceOf(parley, 'alice', 'bob'), { status: 'ONLINE' })
  await online(t, parley, 'bob')
  await online(t, parley, 'carol')
  await alice.next('user_online', of('carol'))
  t.strictSame(await alice.soFar('user_online', 'user_offline'), [])
})

t.test('leases of a node that has died run out, those of one that lives do not', async t => {
  const parley = await startParley(t, QUICK)
  await makeGroup(parley, 'alice', ['bob', 'carol', 'dave'])
  const sql = await connectSql(t, parley)
  const alice = await online(t, parley, 'alice')
  await online(t, parley, 'carol')
  await sql.rows(`INSERT INTO chat.presence_lease (user_id, node_id, lease_until)
    VALUES ('bob', 'dead node', now()), ('carol', 'dead node', now()), ('dave', 'other node', now() + interval '1 hour')`)
  t.match(await alice.next('user_offline'), { data: { userId: 'bob', lastSeenAt: String } })
  t.match(await request(parley, 'alice', 'POST', '/presence/query', { userIds: ['bob', 'carol', 'dave'] }),
    { data: [{ userId: 'bob', status: 'OFFLINE' }, { userId: 'carol', status: 'ONLINE' }, { userId: 'dave', status: 'ONLINE' }] })
  await sql.until("NOT EXISTS (SELECT FROM chat.presence_lease WHERE node_id = 'dead node')")
  t.strictSame(await alice.soFar('user_offline'), [])
})

t.test('a lease that was lost is taken again while its user is here', async t => {
  const parley = await startParley(t, QUICK)
  await makeGroup(parley, 'alice', ['bob'])
  const sql = await connectSql(t, parley)
  const alice = await online(t, parley, 'alice')
  await online(t, parley, 'bob')
  await alice.next('user_online')
  await sql.rows("DELETE FROM chat.presence_lease WHERE user_id = 'bob'") // as by a node that took this one for dead
  await alice.next('user_online')
  t.match(await presenceOf(parley, 'alice', 'bob'), { status: 'ONLINE' })
})

t.test('who sees whom', async t => {
  const parley = await startParley(t)
  await makeGroup(parley, 'alice', ['bob'])
  await makeDirect(parley, 'alice', 'carol')
  await makeGroup(parley, 'carol', ['blocked'])
  const sockets = new Map<string, Socket>()
  for (const userId of ['bob', 'carol', 'zoe', 'blocked']) sockets.set(userId, await online(t, parley, userId))
  await request(parley, 'carol', 'PUT', '/blocks/blocked')
  const alice = await online(t, parley, 'alice')
  for (const userId of ['bob', 'carol']) t.match((await sockets.get(userId)?.next('user_online', of('alice')))?.data, { status: 'ONLINE' }, `${userId} shares a chat`)
  t.strictSame(await sockets.get('zoe')?.soFar('user_online'), [])
  t.strictSame((await alice.command('get_online_users', {})).userIds.toSorted(), ['bob', 'carol'])

  await t.rejects(presenceOf(parley, 'alice', 'zoe'), { code: 'USER_NOT_FOUND' })
  await t.rejects(presenceOf(parley, 'alice', 'nobody'), { code: 'USER_NOT_FOUND' })
  for (const [viewer, userId] of [['carol', 'blocked'], ['blocked', 'carol']] as const) {
    await t.rejects(presenceOf(parley, viewer, userId), { code: 'USER_NOT_FOUND' }, 'a block hides, both ways')
    t.strictSame(await request(parley, viewer, 'POST', '/presence/query', { userIds: [userId, viewer, 'zoe'] }), { data: [await presenceOf(parley, viewer, viewer)] })
  }
})

t.test('a large group makes nobody acquainted', async t => {
  const parley = await startParley(t)
  const members = Array.from({ length: 256 }, (_, n) => `member ${n}`)
  const chatId = await makeGroup(parley, 'alice', members)
  await t.rejects(presenceOf(parley, 'alice', 'member 7'), { code: 'USER_NOT_FOUND' }, '257 members')
  const alice = await online(t, parley, 'alice')
  await online(t, parley, 'member 7')
  t.match(await alice.command('get_online_users', { chatId }), { userIds: ['alice', 'member 7'] }, 'but who is in it may ask for it')
  await request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/member%200`)
  t.match(await presenceOf(parley, 'alice', 'member 7'), { status: 'ONLINE' }, '256')
})

t.end()
