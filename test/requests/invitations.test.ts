// Who wants to be asked is invited to a chat, and sees nothing of it until they come.
import t from 'tap'
import type { ChatView, Membership, Participant } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { matchEach } from '../helpers/match.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const sql = await connectSql(t, parley)
const rest = <Body = unknown>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const view = (userId: string, chatId: string) => rest<ChatView>(userId, 'GET', `/sessions/${chatId}`)
const list = async (userId: string, query: string) => (await rest<{ data: ChatView[] }>(userId, 'GET', `/sessions?${query}`)).data
const add = (userId: string, chatId: string, userIds: string[], more: object = {}) =>
  rest<{ participants: Participant[], message: { system: { kind: string, targetIds: string[] } } | null }>(userId, 'POST', `/sessions/${chatId}/participants`, { userIds, ...more })

let shy = 0
/** Somebody who wants to be asked. */
async function asking (): Promise<string> {
  const userId = `shy${++shy}`
  await rest(userId, 'PATCH', '/me', { settings: { groupInvites: 'ASK' } })
  return userId
}

t.test('they are told that they are invited, by whom and to what, and no more', async t => {
  const userId = await asking()
  const chatId = await makeGroup(parley, 'olga', ['bob'], { name: 'Secret plans', settings: { historyForNewMembers: 'ALL' } })
  const { id } = await send(parley, 'bob', chatId, 'not for everybody')
  const [socket, member] = [await signIn(t, parley, userId), await signIn(t, parley, 'bob')]
  const { participants, message } = await add('olga', chatId, [userId], { role: 'MODERATOR', label: 'GUEST' })
  t.match(participants, [{ userId, state: 'INVITED', role: 'MODERATOR', label: 'GUEST' }])
  t.match(message?.system, { kind: 'participants_invited', targetIds: [userId] })
  t.match((await member.next('participant_updated')).data, { reason: 'invited', actorId: 'olga', participants })
  t.match((await socket.next('inbox_updated')).data, { memberships: [{ chatId, state: 'INVITED', invitedById: 'olga' }], removed: [] })
  const [invitation] = await list(userId, 'state=requests&direction=received')
  t.match(invitation, {
    chat: { id: chatId, name: 'Secret plans' }, membership: { state: 'INVITED', invitedById: 'olga' }, lastMessage: null, head: { lastSeq: 0, messageCount: 0, unreadCount: 0, memberCount: 2, lastMessageAt: null }, users: { olga: { id: 'olga' } },
  })
  t.strictSame(invitation?.participants.map(each => each.userId), [userId, 'olga'])
  t.strictSame(await view(userId, chatId), invitation)
  for (const state of ['active', 'archived', 'requests&direction=sent']) t.strictSame(await list(userId, `state=${state}`), [], state)
  t.match(await rest(userId, 'POST', '/sync', {}), { heads: [], memberships: [], invitations: [{ chatId, state: 'INVITED' }] })

  await send(parley, 'bob', chatId, 'still not')
  t.strictSame(await socket.soFar('message_received', 'user_typing'), [])
  t.match((await view('bob', chatId)).head, { memberCount: 2 })
  t.strictSame((await rest<{ data: Participant[] }>('bob', 'GET', `/sessions/${chatId}/participants`)).data.map(each => each.userId), ['olga', 'bob'])
  for (const [method, path, body] of [
    ['GET', 'messages'], ['GET', 'changes?since=0'], ['GET', 'participants'], ['GET', 'unread'], ['GET', 'pins'], ['POST', 'messages', { content: 'hi' }], ['POST', 'read', {}], ['POST', 'clear'], ['POST', 'participants', { userIds: ['zoe'] }],
  ] as const) await t.rejects(rest(userId, method, `/sessions/${chatId}/${path}`, body), { code: 'CHAT_NOT_FOUND' }, path)
  await t.rejects(rest(userId, 'GET', `/messages/${id}`), { code: 'MESSAGE_NOT_FOUND' })
  await t.rejects(socket.command('join_chat', { chatId }), { code: 'CHAT_NOT_FOUND' })
})

t.test('accepting is being added then', async t => {
  const userId = await asking()
  const chatId = await makeGroup(parley, 'olga', ['bob'])
  await add('olga', chatId, [userId], { role: 'MODERATOR', label: 'GUEST' })
  await send(parley, 'bob', chatId, 'before')
  const [socket, member] = [await signIn(t, parley, userId), await signIn(t, parley, 'bob')]
  const accepted = await socket.command('accept_chat', { chatId })
  t.match(accepted, { membership: { state: 'JOINED', role: 'MODERATOR', invitedById: null, visibleFromSeq: 3 }, head: { memberCount: 3, unreadCount: 0 } })
  t.match((await member.next('participant_joined')).data, {
    reason: 'added', actorId: userId, participants: [{ userId, state: 'JOINED', role: 'MODERATOR', label: 'GUEST' }], message: { system: { kind: 'invitation_accepted', actorId: userId, targetIds: [userId], data: { invitedById: 'olga' } } },
  })
  t.match((await socket.next('inbox_updated')).data, { memberships: [{ chatId, state: 'JOINED' }] })
  await send(parley, 'bob', chatId, 'after')
  t.match((await socket.next('message_received')).data.message, { content: 'after' })
  matchEach(t, await history(parley, userId, chatId), [{ type: 'SYSTEM' }, { content: 'after' }])
  t.strictSame((await rest<ChatView>(userId, 'POST', `/sessions/${chatId}/accept`)).chat, accepted.chat, 'again changes nothing')
  await t.rejects(rest(userId, 'POST', `/sessions/${chatId}/reject`), { code: 'VALIDATION_FAILED' })
})

t.test('rejecting is not in the history, and for 30 days nobody invites them there again', async t => {
  const userId = await asking()
  const chatId = await makeGroup(parley, 'olga', ['bob'])
  await add('olga', chatId, [userId])
  const [socket, member] = [await signIn(t, parley, userId), await signIn(t, parley, 'bob')]
  t.strictSame(await rest(userId, 'POST', `/sessions/${chatId}/reject`), { chatId })
  t.match((await member.next('participant_updated')).data, { reason: 'rejected', actorId: userId, participants: [{ userId, state: 'REJECTED' }], message: undefined })
  t.match((await socket.next('inbox_updated')).data, { removed: [chatId] })
  t.strictSame(await list(userId, 'state=requests'), [])
  await rest(userId, 'POST', `/sessions/${chatId}/reject`)
  await t.rejects(rest(userId, 'POST', `/sessions/${chatId}/accept`), { code: 'CHAT_NOT_FOUND' }, 'it holds no longer')
  await t.rejects(add('olga', chatId, ['carol', userId]), { code: 'REQUEST_LIMIT', status: 403 })
  t.match((await view('bob', chatId)).head, { memberCount: 2 }, 'of several none')
  await sql.rows("UPDATE chat.chat_participant SET rejected_at = rejected_at - interval '30 days' WHERE chat_id = $1 AND user_id = $2", [chatId, userId])
  t.match((await add('olga', chatId, [userId])).participants, [{ userId, state: 'INVITED' }])
})

t.test('some are added, others invited; who is invited already stays so', async t => {
  const [one, other] = [await asking(), await asking()]
  const chatId = await makeGroup(parley, 'olga', ['bob', one])
  t.match((await view('olga', chatId)), { head: { memberCount: 2, lastSeq: 0 } })
  t.match((await list(one, 'state=requests')).map(({ chat }) => chat.id), [chatId], 'also when the chat is made')
  const member = await signIn(t, parley, 'bob')
  const { participants } = await add('olga', chatId, ['carol', one, other])
  t.strictSame(participants.map(({ userId, state }) => [userId, state]), [['carol', 'JOINED'], [other, 'INVITED']])
  t.match((await member.soFar('participant_joined', 'participant_updated')).map(({ type }) => type), ['participant_joined', 'participant_updated'])
  t.strictSame(await add('olga', chatId, [one, other]), { participants: [], message: null })
  await rest(one, 'PATCH', '/me', { settings: { groupInvites: 'ACCEPT' } })
  t.match((await add('olga', chatId, [one])).participants, [{ userId: one, state: 'JOINED' }], 'unless they need not be asked any more')
})

t.test('an invitation can be withdrawn, also by a ban, and goes with the chat', async t => {
  const [one, other, third] = [await asking(), await asking(), await asking()]
  const chatId = await makeGroup(parley, 'olga', ['bob', one, other, third])
  const sockets = await Promise.all([one, other, third].map(userId => signIn(t, parley, userId)))
  await t.rejects(rest('bob', 'DELETE', `/sessions/${chatId}/participants/${one}`), { code: 'ROLE_REQUIRED' })
  t.match(await rest('olga', 'DELETE', `/sessions/${chatId}/participants/${one}`), { participants: [{ userId: one, state: 'REMOVED' }], message: null })
  await rest('olga', 'POST', `/sessions/${chatId}/participants/${other}/ban`)
  await rest('olga', 'DELETE', `/sessions/${chatId}?scope=everyone`)
  for (const [index, userId] of [one, other, third].entries()) {
    t.match((await sockets[index]?.next('inbox_updated'))?.data, { removed: [chatId] }, userId)
    t.strictSame(await list(userId, 'state=requests'), [], userId)
    t.match(await rest<{ invitations: Membership[] }>(userId, 'POST', '/sync', {}), { invitations: [] }, userId)
    await t.rejects(rest(userId, 'POST', `/sessions/${chatId}/accept`), { code: 'CHAT_NOT_FOUND' }, userId)
  }
})

t.test('nobody invites whom they have blocked, or who has blocked them', async t => {
  const [one, other] = [await asking(), await asking()]
  const chatId = await makeGroup(parley, 'ida')
  await rest(one, 'PUT', '/blocks/ida')
  await rest('ida', 'PUT', `/blocks/${other}`)
  for (const userId of [one, other]) {
    await t.rejects(add('ida', chatId, [userId]), { code: 'CHAT_BLOCKED' })
    await t.rejects(makeGroup(parley, 'ida', [userId]), { code: 'CHAT_BLOCKED' })
  }
})

t.end()
