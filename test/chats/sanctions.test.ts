import t from 'tap'
import type { ChatView, CommandResult, Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
type Change = CommandResult<'ban_user'>

/** ann owns it, adam administers, mod moderates; ben and cat are members. */
async function setup () {
  const chatId = await makeGroup(parley, 'ann', ['adam', 'mod', 'ben', 'cat'])
  for (const [userId, role] of [['adam', 'ADMIN'], ['mod', 'MODERATOR']]) await rest('ann', 'PATCH', `/sessions/${chatId}/participants/${userId}`, { role })
  const over = (name: string) => (by: string, userId: string, body?: object) => rest<Change>(by, 'POST', `/sessions/${chatId}/participants/${userId}/${name}`, body)
  const add = (userId: string) => rest<Change>('ann', 'POST', `/sessions/${chatId}/participants`, { userIds: [userId] })
  const system = async () => (await history(parley, 'ann', chatId)).at(-1)?.system
  return { chatId, ban: over('ban'), unban: over('unban'), silence: over('silence'), unsilence: over('unsilence'), add, system }
}

t.test('a ban puts out', async t => {
  const { chatId, ban, system } = await setup()
  const before = await send(parley, 'ben', chatId, 'hello')
  const [ben, cat] = [await signIn(t, parley, 'ben'), await signIn(t, parley, 'cat')]
  const { participants, message } = await ban('mod', 'ben')
  t.match(participants, [{ userId: 'ben', state: 'BANNED', role: 'MEMBER' }])
  t.match(message, { type: 'SYSTEM', senderId: null, system: { kind: 'participant_banned', actorId: 'mod', targetIds: ['ben'] } })
  t.match(await system(), { kind: 'participant_banned', actorId: 'mod', targetIds: ['ben'] })
  const told = { data: { reason: 'banned', actorId: 'mod', participants: [{ userId: 'ben', state: 'BANNED' }], message: { id: message?.id } } }
  t.match(await cat.next('participant_left'), told)
  t.match(await ben.next('participant_left'), told, 'the banned one is told that, and no more')
  t.match(await ben.next('inbox_updated'), { data: { removed: [chatId] } })
  await send(parley, 'cat', chatId, 'without ben')
  await rest('cat', 'POST', `/messages/${before.id}/reactions`, { emoji: '👍' })
  await cat.next('reaction_added')
  t.strictSame((await ben.soFar()).filter(event => event.chatId === chatId), [])

  t.equal((await rest<ChatView>('ann', 'GET', `/sessions/${chatId}`)).head.memberCount, 4)
  await t.rejects(send(parley, 'ben', chatId, 'let me in'), { status: 404, code: 'CHAT_NOT_FOUND' })
  await t.rejects(history(parley, 'ben', chatId), { code: 'CHAT_NOT_FOUND' })
  await t.rejects(rest('ben', 'PUT', `/messages/${before.id}`, { content: 'edited' }), { code: 'MESSAGE_NOT_FOUND' })
  t.notOk((await rest<{ data: ChatView[] }>('ben', 'GET', '/sessions')).data.some(({ chat }) => chat.id === chatId))
})

t.test('and keeps out, until it is lifted', async t => {
  const { chatId, ban, unban, add } = await setup()
  await ban('mod', 'ben')
  await t.rejects(add('ben'), { status: 403, code: 'USER_BANNED' })
  t.match(await ban('adam', 'ben'), { participants: [], message: null }, 'twice is once')
  const cat = await signIn(t, parley, 'cat')
  const { participants, message } = await unban('mod', 'ben')
  t.match(participants, [{ userId: 'ben', state: 'LEFT' }])
  t.match(message?.system, { kind: 'participant_unbanned', targetIds: ['ben'] })
  t.match(await cat.next('participant_updated'), { data: { reason: 'unbanned', participants: [{ state: 'LEFT' }] } })
  t.match(await unban('mod', 'ben'), { participants: [], message: null })
  await t.rejects(send(parley, 'ben', chatId, 'hello'), { code: 'CHAT_NOT_FOUND' }, 'that does not bring them back')
  await add('ben')
  t.equal((await send(parley, 'ben', chatId, 'hello')).content, 'hello')
})

t.test('who has left can be kept out, who was never there cannot', async t => {
  const { chatId, ban, add } = await setup()
  await rest('ben', 'DELETE', `/sessions/${chatId}`)
  t.match((await ban('mod', 'ben')).participants, [{ state: 'BANNED' }])
  t.equal((await rest<ChatView>('ann', 'GET', `/sessions/${chatId}`)).head.memberCount, 4, 'they were not counted any more')
  await t.rejects(add('ben'), { code: 'USER_BANNED' })
  await t.rejects(ban('mod', 'zoe'), { status: 404, code: 'USER_NOT_FOUND' })
})

t.test('silence: for a time, nothing can be said', async t => {
  const { chatId, silence, unsilence, system } = await setup()
  const earlier = await send(parley, 'ben', chatId, 'hello')
  const [ben, cat] = [await signIn(t, parley, 'ben'), await signIn(t, parley, 'cat')]
  const { participants: [participant] } = await silence('mod', 'ben', { seconds: 600 })
  const left = Date.parse(participant?.silencedUntil ?? '') - Date.now()
  t.ok(left > 0 && left <= 600_000)
  t.match(await system(), { kind: 'participant_silenced', targetIds: ['ben'], data: { until: participant?.silencedUntil } })
  t.match(await cat.next('participant_updated'), { data: { reason: 'silenced', participants: [{ userId: 'ben', state: 'JOINED', silencedUntil: participant?.silencedUntil }] } })
  await t.rejects(send(parley, 'ben', chatId, 'but'), { status: 403, code: 'SILENCED' })
  const refusal = await ben.command('send_message', { chatId, content: 'but' }).catch(error => error)
  t.match(refusal, { code: 'SILENCED', retryable: false })
  t.ok(refusal.retryAfterMs > 0 && refusal.retryAfterMs <= left)
  await t.rejects(rest('ben', 'PUT', `/messages/${earlier.id}`, { content: 'but' }), { code: 'SILENCED' })
  t.equal((await history(parley, 'ben', chatId)).length, 4, 'reading goes on')
  t.match((await rest<{ message: Message }>('ben', 'DELETE', `/messages/${earlier.id}`)).message, { content: null }, 'and taking back')

  t.match((await unsilence('adam', 'ben')).participants, [{ silencedUntil: null }])
  t.match(await system(), { kind: 'participant_unsilenced', actorId: 'adam', targetIds: ['ben'], data: {} })
  t.equal((await send(parley, 'ben', chatId, 'thanks')).content, 'thanks')
})

t.test('silence: it ends by itself, may be long, and outlasts leaving', async t => {
  const { chatId, silence, add } = await setup()
  await silence('mod', 'ben', { until: '2000-01-01T00:00:00.000Z' })
  t.equal((await send(parley, 'ben', chatId, 'it is over')).content, 'it is over')
  t.match(await silence('mod', 'ben', { until: '2099-01-01T01:00:00+01:00' }), { participants: [{ silencedUntil: '2099-01-01T00:00:00.000Z' }] })
  const ben = await signIn(t, parley, 'ben')
  await t.rejects(ben.command('send_message', { chatId, content: 'but' }), { code: 'SILENCED', retryAfterMs: 2_147_483_647 })
  await rest('ben', 'DELETE', `/sessions/${chatId}`)
  await t.rejects(silence('mod', 'ben', { seconds: 1 }), { code: 'USER_NOT_FOUND' })
  await add('ben')
  await t.rejects(send(parley, 'ben', chatId, 'back again'), { code: 'SILENCED' })
})

t.test('only over those of a lesser role', async t => {
  const setups = await setup()
  for (const name of ['ban', 'unban', 'silence', 'unsilence'] as const) {
    const sanction = (by: string, userId: string) => setups[name](by, userId, name === 'silence' ? { seconds: 60 } : undefined)
    for (const [by, userId] of [['ben', 'cat'], ['mod', 'mod'], ['mod', 'adam'], ['mod', 'ann'], ['adam', 'ann'], ['ann', 'ann']] as const) {
      await t.rejects(sanction(by, userId), { status: 403, code: 'ROLE_REQUIRED' }, `${name}: ${userId} by ${by}`)
    }
  }
  t.match((await setups.silence('adam', 'mod', { seconds: 60 })).participants, [{ userId: 'mod', role: 'MODERATOR' }])
  t.match((await setups.ban('ann', 'adam')).participants, [{ userId: 'adam', role: 'MEMBER', state: 'BANNED' }])
  const chatId = await makeDirect(parley, 'dan', 'eve')
  await t.rejects(rest('dan', 'POST', `/sessions/${chatId}/participants/eve/ban`), { code: 'ROLE_REQUIRED' }, 'nobody in a DIRECT chat')
})

t.end()
