import t from 'tap'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { makeDirect, makeGroup } from '../helpers/world.ts'

const parley = await startParley(t, { TYPING_TIMEOUT_SECONDS: '600' })

t.test('others see who types, until they stop', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, phone, bob, zoe] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob'), await signIn(t, parley, 'zoe')]
  t.strictSame(await alice.command('typing_start', { chatId: chatId.toUpperCase() }), { chatId })
  t.match(await bob.next('user_typing'), { chatId, revision: undefined, data: { userId: 'alice', at: String } })
  for (let n = 0; n < 5; n++) await alice.command('typing_indicator', { chatId, isTyping: true })
  await phone.command('typing_start', { chatId })
  t.strictSame(await bob.soFar('user_typing'), [], 'not said again so soon, from whichever device')
  await alice.command('typing_indicator', { chatId, isTyping: false })
  t.match(await bob.next('user_stopped_typing'), { chatId, data: { userId: 'alice' } })
  await alice.command('typing_stop', { chatId })
  t.strictSame(await bob.soFar('user_stopped_typing'), [], 'who does not type does not stop')
  for (const socket of [alice, phone, zoe]) t.strictSame(await socket.soFar('user_typing', 'user_stopped_typing'), [])
})

t.test('who stops and starts again is told again when the two seconds are over, and not before', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  for (let n = 0; n < 5; n++) {
    await alice.command('typing_start', { chatId })
    await alice.command('typing_stop', { chatId })
  }
  t.strictSame((await bob.soFar('user_typing', 'user_stopped_typing')).map(({ type }) => type), ['user_typing', 'user_stopped_typing'])
  await alice.command('typing_start', { chatId })
  await alice.command('typing_start', { chatId })
  await bob.next('user_typing')
  await alice.command('typing_stop', { chatId })
  await bob.next('user_stopped_typing')
  t.strictSame(await bob.soFar('user_typing', 'user_stopped_typing'), [])
})

t.test('who says no more has stopped', async t => {
  const hasty = await startParley(t, { TYPING_TIMEOUT_SECONDS: '0.1' })
  const chatId = await makeGroup(hasty, 'alice', ['bob'])
  const [alice, bob] = [await signIn(t, hasty, 'alice'), await signIn(t, hasty, 'bob')]
  await alice.command('typing_start', { chatId })
  await bob.next('user_typing')
  await bob.next('user_stopped_typing')
  t.match(await alice.command('ping', {}), {})
})

t.test('who goes has stopped', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  await alice.command('typing_start', { chatId })
  await bob.next('user_typing')
  alice.ws.terminate()
  t.match(await bob.next('user_stopped_typing'), { chatId, data: { userId: 'alice' } })
})

t.test('people who block each other do not see each other type', async t => {
  const [groupId, directId] = [await makeGroup(parley, 'carol', ['dave', 'erin']), await makeDirect(parley, 'carol', 'dave')]
  await request(parley, 'carol', 'PUT', '/blocks/dave')
  const [carol, dave, erin] = [await signIn(t, parley, 'carol'), await signIn(t, parley, 'dave'), await signIn(t, parley, 'erin')]
  for (const chatId of [groupId, directId]) {
    await carol.command('typing_start', { chatId })
    await dave.command('typing_start', { chatId })
  }
  t.strictSame((await erin.soFar('user_typing')).map(({ data }) => (data as { userId: string }).userId), ['carol', 'dave'])
  t.strictSame(await carol.soFar('user_typing'), [])
  t.strictSame(await dave.soFar('user_typing'), [])
})

t.test('only members type', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [bob, zoe] = [await signIn(t, parley, 'bob'), await signIn(t, parley, 'zoe')]
  await t.rejects(zoe.command('typing_start', { chatId }), { code: 'CHAT_NOT_FOUND' })
  await request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/bob`)
  await bob.next('participant_left')
  await t.rejects(bob.command('typing_start', { chatId }), { code: 'CHAT_NOT_FOUND' })
})

t.test('in a chat of more than 20 only those who look see it', async t => {
  const others = Array.from({ length: 20 }, (_, n) => `member ${n}`)
  const chatId = await makeGroup(parley, 'alice', others)
  const [alice, looking, away] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'member 1'), await signIn(t, parley, 'member 2')]
  await looking.command('join_chat', { chatId })
  await alice.command('typing_start', { chatId })
  await looking.next('user_typing')
  t.strictSame(await away.soFar('user_typing'), [])
  await alice.command('typing_stop', { chatId })

  await request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/member%200`)
  await alice.command('typing_start', { chatId })
  t.match(await away.next('user_typing'), { chatId }, 'they are 20 now')
  await alice.command('typing_stop', { chatId })
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['member 0'] })
  await away.soFar()
  await alice.command('typing_start', { chatId })
  t.strictSame(await away.soFar('user_typing'), [], 'and 21 again')
})

t.test('also when somebody comes to a large chat of which nobody is here', async t => {
  const chatId = await makeGroup(parley, 'offline', Array.from({ length: 25 }, (_, n) => `absent ${n}`))
  const [frank, grace] = [await signIn(t, parley, 'frank'), await signIn(t, parley, 'grace')]
  await request(parley, 'offline', 'POST', `/sessions/${chatId}/participants`, { userIds: ['frank', 'grace'] })
  await Promise.all([frank.next('participant_joined'), grace.next('participant_joined')])
  await frank.command('typing_start', { chatId })
  t.strictSame(await grace.soFar('user_typing'), [])
})

t.end()
