import t from 'tap'
import type { CommandResult, Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const react = async (userId: string, { id }: Message, emoji: string) => (await rest<{ message: Message }>(userId, 'POST', `/messages/${id}/reactions`, { emoji })).message
const unreact = async (userId: string, { id }: Message, emoji: string) => (await rest<{ message: Message }>(userId, 'DELETE', `/messages/${id}/reactions/${encodeURIComponent(emoji)}`)).message
const reactionsOf = async (userId: string, { id }: Message, query = '') => rest<CommandResult<'get_reactions'>>(userId, 'GET', `/messages/${id}/reactions${query}`)

async function setup (others = ['ben', 'cat']) {
  const chatId = await makeGroup(parley, 'ann', others)
  return { chatId, message: await send(parley, 'ben', chatId, 'hello') }
}

t.test('the summary: in the order in which the emoji were first used, with counts and people', async t => {
  const { chatId, message } = await setup()
  await react('cat', message, '🎉')
  await react('ann', message, '👍')
  await react('cat', message, '👍')
  const { reactions, revision, editedAt } = await react('ben', message, '🎉')
  t.strictSame(reactions, [{ emoji: '🎉', count: 2, userIds: ['cat', 'ben'] }, { emoji: '👍', count: 2, userIds: ['ann', 'cat'] }])
  t.ok(revision > message.revision)
  t.equal(editedAt, null)
  t.strictSame((await history(parley, 'cat', chatId))[0]?.reactions, reactions)
  t.strictSame((await unreact('cat', message, '🎉')).reactions.map(({ emoji, count }) => [emoji, count]), [['👍', 2], ['🎉', 1]], 'now it was first used later')
  t.strictSame((await unreact('ben', message, '🎉')).reactions.map(({ emoji }) => emoji), ['👍'])
})

t.test('twice is once, and nobody is told', async t => {
  const { message } = await setup()
  const ben = await signIn(t, parley, 'ben')
  const { revision } = await react('ann', message, '👍')
  t.equal((await react('ann', message, '👍')).revision, revision)
  t.strictSame((await react('ann', message, '👍')).reactions, [{ emoji: '👍', count: 1, userIds: ['ann'] }])
  const taken = await unreact('ann', message, '👍')
  t.strictSame(taken.reactions, [])
  t.equal((await unreact('ann', message, '👍')).revision, taken.revision)
  const told = await ben.soFar('reaction_added', 'reaction_removed')
  t.match(told, [
    { type: 'reaction_added', revision, data: { userId: 'ann', emoji: '👍', message: { reactions: [{ count: 1 }] } } },
    { type: 'reaction_removed', previousRevision: revision, data: { userId: 'ann', emoji: '👍', message: { reactions: [] } } },
  ])
  t.equal(told.length, 2)
})

t.test('the summary names the first ten; the list has all, in pages', async t => {
  const others = Array.from({ length: 12 }, (_, n) => `user${n}`)
  const { message } = await setup(['ben', ...others])
  for (const userId of others) await react(userId, message, '👍')
  const { reactions } = await react('ann', message, '🎉')
  t.strictSame(reactions, [{ emoji: '👍', count: 12, userIds: others.slice(0, 10) }, { emoji: '🎉', count: 1, userIds: ['ann'] }])
  const seen: string[] = []
  for (let query = '?limit=5'; query !== '';) {
    const { data, nextCursor, users } = await reactionsOf('ben', message, query)
    t.ok(data.length <= 5)
    t.strictSame(Object.keys(users).toSorted(), data.map(({ userId }) => userId).toSorted())
    seen.push(...data.map(({ userId, emoji }) => userId + emoji))
    query = nextCursor === null ? '' : `?limit=5&cursor=${nextCursor}`
  }
  t.strictSame(seen, [...others.map(userId => `${userId}👍`), 'ann🎉'])
})

t.test('20 different ones a message; more people may use them', async t => {
  const { message } = await setup()
  for (let n = 0; n < 20; n++) await react(n % 2 ? 'ann' : 'ben', message, `:e${n}:`)
  await t.rejects(react('cat', message, ':e20:'), { status: 422, code: 'REACTION_LIMIT' })
  t.match((await react('cat', message, ':e7:')).reactions[7], { emoji: ':e7:', count: 2 })
  await unreact('ben', message, ':e0:')
  t.equal((await react('cat', message, ':e20:')).reactions.length, 20)
})

t.test('at once, from many', async t => {
  const others = Array.from({ length: 8 }, (_, n) => `at${n}`)
  const { chatId, message } = await setup(['ben', ...others])
  await Promise.all(others.flatMap(userId => [react(userId, message, '👍'), react(userId, message, '👍')]))
  const [{ reactions } = message] = await history(parley, 'ann', chatId)
  t.match(reactions, [{ emoji: '👍', count: 8 }])
  t.strictSame(reactions[0]?.userIds.toSorted(), others)
})

t.test('a message deleted for everyone has none, and gets none', async t => {
  const { message } = await setup()
  await react('ann', message, '👍')
  const { message: deleted } = await rest<{ message: Message }>('ben', 'DELETE', `/messages/${message.id}`)
  t.strictSame(deleted.reactions, [])
  t.strictSame((await reactionsOf('ann', message)).data, [])
  await t.rejects(react('cat', message, '👍'), { code: 'MESSAGE_DELETED' })
  await t.rejects(unreact('ann', message, '👍'), { code: 'MESSAGE_DELETED' })
})

t.test('not by the silenced, nor where one has blocked the other', async t => {
  const { chatId, message } = await setup()
  await rest('ann', 'POST', `/sessions/${chatId}/participants/cat/silence`, { seconds: 600 })
  await t.rejects(react('cat', message, '👍'), { code: 'SILENCED' })
  const between = await send(parley, 'dan', await makeDirect(parley, 'dan', 'eve'), 'hello')
  await rest('eve', 'PUT', '/blocks/dan')
  for (const userId of ['dan', 'eve']) await t.rejects(react(userId, between, '👍'), { code: 'CHAT_BLOCKED' })
  await rest('eve', 'DELETE', '/blocks/dan')
  t.match((await react('eve', between, '👍')).reactions, [{ userIds: ['eve'] }])
})

t.test('not to a message of somebody whom one blocks, nor of who blocks one; what others say of it comes without its content', async t => {
  const { chatId, message } = await setup(['ben', 'fin'])
  const fin = await signIn(t, parley, 'fin')
  await rest('fin', 'PUT', '/blocks/ben')
  await t.rejects(react('fin', message, '👍'), { code: 'CHAT_BLOCKED' })
  await t.rejects(react('ben', await send(parley, 'fin', chatId, 'mine'), '👍'), { code: 'CHAT_BLOCKED' })
  await react('ann', message, '👍')
  t.match((await fin.next('reaction_added')).data.message, { content: null, fromBlocked: true, reactions: [{ emoji: '👍', userIds: ['ann'] }] })
  await rest('fin', 'DELETE', '/blocks/ben')
  t.match(await react('fin', message, '👍'), { content: 'hello', reactions: [{ emoji: '👍', userIds: ['ann', 'fin'] }] })
})

t.test('a message that is hidden from me, or from before my time, I cannot react to', async t => {
  const { chatId, message } = await setup()
  await rest('cat', 'DELETE', `/messages/${message.id}?scope=me`)
  await rest('ann', 'POST', `/sessions/${chatId}/participants`, { userIds: ['gus'] })
  for (const userId of ['cat', 'gus']) {
    await t.rejects(react(userId, message, '👍'), { code: 'MESSAGE_NOT_FOUND' })
    await t.rejects(reactionsOf(userId, message), { code: 'MESSAGE_NOT_FOUND' })
  }
})

t.end()
