// For every action and every kind of viewer: the events of the action, applied to what a client holds, make what a client
// that comes new is told, and what REST says.
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import type { Client } from '../../src/client/client.ts'
import type { CommandData } from '../../src/contract.ts'
import { newMark, Rows } from '../helpers/copies.ts'
import { age } from '../helpers/jobs.ts'
import { leaksTo, newClient, projectionOf, request, sameAsServer, startClient, until } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { callRoute } from '../helpers/wire.ts'

/**
 * olga owns the group, mona moderates it, bob is who everything happens to. fay has been there from the beginning, with two
 * devices; lee has joined later, and does not see what was before; cleo has cleared the history; bea has blocked bob. zoe
 * is not in it.
 */
const PEOPLE = ['olga', 'mona', 'bob', 'fay', 'lee', 'cleo', 'bea', 'zoe'] as const
const VIEWERS = ['fay', 'lee', 'cleo', 'bea'] as const
type Person = typeof PEOPLE[number]

interface World {
  chatId: string
  id: (person: Person) => string
  as: (person: Person) => Client
  /** The id of a message by its seq. */
  message: (seq: number) => string
  /** The newest message of bob's, by seq. Everybody sees it, bea redacted. */
  newest: number
  /** The oldest: lee and cleo do not see it. */
  oldest: number
  rest: (person: Person, method: string, path: string, body?: object) => Promise<unknown>
}

const server = await startParley(t, { CHAT_REQUESTS: 'on' })
/** By their tokens all are agents, which lets them take support chats and nothing else. */
const parley: typeof server = { ...server, token: (userId, claims) => server.token(userId, { role: 'agent', ...claims }) }

type Names = Pick<World, 'chatId' | 'newest' | 'oldest'>

function acting (mark: string): Pick<World, 'id' | 'rest'> {
  const id = (person: Person) => person + mark
  return { id, rest: (person, method, path, body) => request(parley, id(person), method, path, body) }
}

/** What was before the test; made once, and copied. */
async function makePast (): Promise<Names> {
  const { id, rest } = acting(newMark())
  const send = async (person: Person, content: string, more: object = {}) =>
    (await rest(person, 'POST', `/sessions/${chatId}/messages`, { content, ...more }) as { message: { id: string, seq: number } }).message

  const { chat: { id: chatId } } = await rest('olga', 'POST', '/sessions', {
    type: 'GROUP', name: 'Friends', participantIds: (['mona', 'bob', 'fay', 'cleo', 'bea'] as const).map(id),
  }) as { chat: { id: string } }
  await rest('olga', 'PATCH', `/sessions/${chatId}/participants/${id('mona')}`, { role: 'MODERATOR' })
  const oldest = await send('bob', 'the oldest')
  const second = await send('fay', 'an answer', { replyToId: oldest.id })
  await send('bob', 'will be edited')
  await rest('bea', 'PUT', `/blocks/${id('bob')}`)
  await rest('cleo', 'POST', `/sessions/${chatId}/clear`)
  await rest('cleo', 'POST', `/sessions/${chatId}/read`, {})
  await rest('olga', 'POST', `/sessions/${chatId}/participants`, { userIds: [id('lee')], label: 'LATE' })
  await rest('fay', 'DELETE', `/messages/${second.id}?scope=me`)
  await send('lee', 'hello')
  await send('bob', 'with metadata', { metadata: { color: 'red' } })
  const newest = await send('bob', 'the newest')
  return { chatId, newest: newest.seq, oldest: oldest.seq }
}

const past = await makePast()
const rows = await Rows.read(parley.app)

async function makeWorld (t: Test): Promise<World & { people: Map<Person, Client[]> }> {
  const mark = newMark()
  const renamed = await rows.copy(parley.app, mark)
  const { chatId, newest, oldest }: Names = JSON.parse(renamed(JSON.stringify(past)))
  const { id, rest } = acting(mark)
  const people = new Map(await Promise.all(PEOPLE.map(async (person): Promise<[Person, Client[]]> => {
    const devices = person === 'fay' ? 2 : 1
    return [person, await Promise.all(Array.from({ length: devices }, () => startClient(t, parley, id(person))))]
  })))
  const as = (person: Person) => people.get(person)?.[0] as Client
  return { chatId, id, as, message: seq => `${chatId}.${seq}`, newest, oldest, rest, people }
}

type Action = (world: World) => Promise<unknown>

const send = (person: Person, more: Partial<CommandData<'send_message'>> = {}): Action => ({ as, chatId }) => as(person).send({ chatId, content: `from ${person}`, ...more })
const remove = (person: Person, by: Person = 'olga'): Action => ({ as, id, chatId }) => as(by).command('remove_participant', { chatId, userId: id(person) })
const add = (...people: Person[]): Action => ({ as, id, chatId }) => as('olga').command('add_participants', { chatId, userIds: people.map(id) })
const showHistory: Action = ({ as, chatId }) => as('olga').command('update_chat', { chatId, settings: { historyForNewMembers: 'ALL' } })
const each = (...actions: Action[]): Action => async world => { for (const action of actions) await action(world) }
const react = (person: Person, which: 'newest' | 'oldest', emoji: string): Action => ({ as, message, [which]: seq }) => as(person).command('add_reaction', { messageId: message(seq), emoji })
const unreact = (person: Person, which: 'newest' | 'oldest', emoji: string): Action => ({ as, message, [which]: seq }) => as(person).command('remove_reaction', { messageId: message(seq), emoji })
const pin = (person: Person, which: 'newest' | 'oldest'): Action => ({ as, message, [which]: seq }) => as(person).command('pin_message', { messageId: message(seq) })
const unpin = (person: Person, which: 'newest' | 'oldest'): Action => ({ as, message, [which]: seq }) => as(person).command('unpin_message', { messageId: message(seq) })
const edit = (which: 'newest' | 'oldest'): Action => ({ as, message, [which]: seq }) => as('bob').command('edit_message', { messageId: message(seq), content: 'edited' })
const set = (person: Person, settings: Omit<CommandData<'update_membership'>, 'chatId'>): Action => ({ as, chatId }) => as(person).command('update_membership', { chatId, ...settings })
const sanction = (name: 'ban_user' | 'unban_user' | 'unsilence_user', person: Person): Action => ({ as, id, chatId }) => as('mona').command(name, { chatId, userId: id(person) })
const silence = (person: Person): Action => ({ as, id, chatId }) => as('mona').command('silence_user', { chatId, userId: id(person), seconds: 600 })

const answered = async (world: World, person: Person, which: 'newest' | 'oldest', more: Partial<CommandData<'send_message'>> = {}) =>
  (await world.as(person).send({ chatId: world.chatId, content: 'an answer', threadRootId: world.message(world[which]), ...more })).message.id
const answer = (person: Person, which: 'newest' | 'oldest'): Action => world => answered(world, person, which)
const restore = async (messageId: string) => {
  const { code } = await callRoute(parley, parley.token('root', { role: 'admin' }), 'POST /admin/messages/{messageId}/restore', { messageId })
  if (code !== null) throw new Error(code)
}

const read = (person: Person): Action => ({ as, chatId }) => as(person).command('mark_as_read', { chatId })
const readPrivately = (person: Person, privateReading = true): Action => ({ as }) => as(person).command('update_me', { settings: { privateReading } })

/** Bob asks for support, in a chat with two messages; what then happens to it. */
const support = (...steps: ((chatId: string, world: World) => Promise<unknown>)[]): Action => async world => {
  const { chat } = await world.as('bob').command('create_chat', { type: 'SUPPORT', name: 'Help', labels: { topic: 'a' } })
  for (const content of ['I have', 'a question']) await world.as('bob').send({ chatId: chat.id, content })
  for (const step of steps) await step(chat.id, world)
}
const take = (person: Person, more: { join?: boolean } = {}) => (chatId: string, { as }: World) => as(person).command('take_chat', { chatId, ...more })
const release = (person: Person, to?: Person) => (chatId: string, { as, id }: World) => as(person).command('release_chat', { chatId, ...(to && { toUserId: id(to) }) })
const close = (person: Person) => (chatId: string, { as }: World) => as(person).command('close_chat', { chatId })
const say = (person: Person) => (chatId: string, { as }: World) => as(person).send({ chatId, content: `from ${person}` })

/** Everything up to a seq has come of age, and goes. */
const trim = (upTo: (world: World) => number = () => 2_147_483_647): Action => async world => {
  await world.as('olga').command('update_chat', { chatId: world.chatId, settings: { retentionDays: 7 } })
  await age(parley, world.chatId, upTo(world), 8)
  await parley.app.jobs.run('trim-history')
}

const ACTIONS: Record<string, Action> = {
  send: send('bob'),
  'send by somebody whom nobody blocks': send('fay'),
  'send, more than a page': async ({ as, chatId }) => { await Promise.all(Array.from({ length: 120 }, (_, n) => as('bob').send({ chatId, content: `number ${n}` }))) },
  'send with metadata, emoji and right-to-left text': send('bob', { content: '👩‍👩‍👧 שלום‏ مرحبا', metadata: { nested: { list: [1, null, 'x'] } } }),
  'send the same again': each(send('bob', { clientMessageId: 'once' }), send('bob', { clientMessageId: 'once' })),
  reply: async ({ as, chatId, message, newest }) => { await as('lee').send({ chatId, content: 'to that', replyToId: message(newest) }) },
  'reply to what some do not see': async ({ as, chatId, message, oldest }) => { await as('fay').send({ chatId, content: 'to that', replyToId: message(oldest) }) },
  edit: ({ as, message, newest }) => as('bob').command('edit_message', { messageId: message(newest), content: 'edited' }),
  'edit what some do not see': ({ as, message, oldest }) => as('bob').command('edit_message', { messageId: message(oldest), content: 'edited' }),
  'edit twice': each(...['once', 'twice'].map((content): Action => ({ as, message, newest }) => as('bob').command('edit_message', { messageId: message(newest), content }))),
  'delete for everyone': ({ as, message, newest }) => as('bob').command('delete_message', { messageId: message(newest), scope: 'everyone' }),
  'delete for everyone what some do not see': ({ as, message, oldest }) => as('bob').command('delete_message', { messageId: message(oldest), scope: 'everyone' }),
  'delete for everyone by a moderator': ({ as, message, newest }) => as('mona').command('delete_message', { messageId: message(newest), scope: 'everyone' }),
  'edit, then delete for everyone': async ({ as, message, newest }) => {
    await as('bob').command('edit_message', { messageId: message(newest), content: 'edited' })
    await as('bob').command('delete_message', { messageId: message(newest), scope: 'everyone' })
  },
  react: each(react('fay', 'newest', '👍'), react('cleo', 'newest', '👍'), react('lee', 'newest', ':party:')),
  'react to what some do not see': each(react('fay', 'oldest', '👍'), react('mona', 'oldest', ':party:')),
  'take a reaction back': each(react('fay', 'newest', '👍'), react('cleo', 'newest', '👍'), unreact('fay', 'newest', '👍')),
  'take a reaction to what some do not see back': each(react('fay', 'oldest', '👍'), react('bob', 'oldest', ':party:'), unreact('fay', 'oldest', '👍')),
  pin: pin('mona', 'newest'),
  'pin what some do not see': pin('mona', 'oldest'),
  'pin, edit, and take the pin off': each(pin('mona', 'newest'), edit('newest'), unpin('olga', 'newest')),
  'pin what some do not see, and take the pin off': each(pin('mona', 'oldest'), edit('oldest'), unpin('olga', 'oldest')),
  'react, then the message is deleted': each(react('fay', 'newest', '👍'), pin('mona', 'newest'), ({ as, message, newest }) => as('bob').command('delete_message', { messageId: message(newest), scope: 'everyone' })),
  'answer in a thread': each(answer('lee', 'newest'), answer('bob', 'newest'), answer('fay', 'newest')),
  'answer in a thread whose top some do not see': each(answer('fay', 'oldest'), answer('bob', 'oldest')),
  'answer in a thread that somebody has hidden from themselves': each(({ as, message, newest }) => as('fay').command('delete_message', { messageId: message(newest), scope: 'me' }), answer('lee', 'newest'), answer('bob', 'newest')),
  'answer in a thread, then the answers are deleted': async world => {
    const { as } = world
    for (const which of ['newest', 'oldest'] as const) {
      const ids = [await answered(world, 'bob', which), await answered(world, 'fay', which)]
      for (const messageId of ids) await as('olga').command('delete_message', { messageId })
    }
  },
  'answer in a thread, then its top is deleted': each(answer('fay', 'newest'), ({ as, message, newest }) => as('bob').command('delete_message', { messageId: message(newest) })),
  mention: each(send('bob', { mentions: { userIds: ['nobody'] } }), ({ as, id, chatId }) => as('bob').send({ chatId, content: 'hey', mentions: { userIds: VIEWERS.map(id) } }), send('mona', { mentions: { all: true } })),
  'mention others by an edit, or nobody': async ({ as, id, message, newest, oldest }) => {
    for (const seq of [newest, oldest]) for (const userIds of [VIEWERS.map(id), [id('lee')], []]) await as('bob').command('edit_message', { messageId: message(seq), content: 'edited', mentions: { userIds } })
  },
  'delete what mentions and answers, and restore it': async world => {
    for (const which of ['newest', 'oldest'] as const) {
      const messageId = await answered(world, 'bob', which, { mentions: { userIds: VIEWERS.map(world.id) } })
      await world.as('bob').command('delete_message', { messageId })
      await restore(messageId)
    }
  },
  'forward to several chats': async ({ as, id, chatId, message, newest }) => {
    const { chat } = await as('olga').command('create_chat', { type: 'GROUP', name: 'New', participantIds: [id('bea'), id('zoe')] })
    await as('olga').command('forward_message', { messageId: message(newest), chatIds: [chatId, chat.id] })
    await as('olga').command('forward_message', { messageId: `${chat.id}.1`, chatIds: [chatId] })
  },
  'ban somebody': sanction('ban_user', 'bob'),
  'ban somebody who has left': each(({ as, chatId }) => as('lee').command('leave_membership', { chatId }), sanction('ban_user', 'lee')),
  'ban somebody, unban and add them': each(sanction('ban_user', 'bob'), sanction('unban_user', 'bob'), add('bob'), send('bob')),
  'silence somebody': silence('bob'),
  'silence somebody, and let them speak again': each(silence('bob'), sanction('unsilence_user', 'bob'), send('bob')),
  'add somebody': add('zoe'),
  'add somebody, who writes': each(add('zoe'), send('zoe'), send('bob')),
  'add somebody, who sees everything': each(showHistory, add('zoe')),
  'change a role': ({ as, id, chatId }) => as('olga').command('update_participant', { chatId, userId: id('bob'), role: 'ADMIN' }),
  'change a label': ({ as, id, chatId }) => as('olga').command('update_participant', { chatId, userId: id('lee'), label: 'STREAMER' }),
  'take a label away': ({ as, id, chatId }) => as('olga').command('update_participant', { chatId, userId: id('lee'), label: null }),
  'change a label, then send with it': each(({ as, id, chatId }) => as('olga').command('update_participant', { chatId, userId: id('bob'), label: 'VIP' }), send('bob')),
  'pass the chat on': async ({ as, id, chatId }) => {
    await as('olga').command('update_participant', { chatId, userId: id('bob'), role: 'OWNER' })
    await as('bob').command('update_participant', { chatId, userId: id('olga'), role: 'MEMBER' })
  },
  'pass the chat on at once': ({ as, id, chatId }) => as('olga').command('update_participant', { chatId, userId: id('lee'), role: 'OWNER', transfer: true }),
  'make a group with labels': ({ as, id }) => as('fay').command('create_chat', { type: 'GROUP', name: 'New', participantIds: [id('lee')], participantLabels: { [id('lee')]: 'USER' } }),
  'the only owner leaves': ({ as, chatId }) => as('olga').command('leave_membership', { chatId }),
  'update the chat': ({ as, chatId }) => as('olga').command('update_chat', { chatId, name: 'Colleagues', description: 'Us', labels: { team: 'a' }, metadata: { a: [1] }, settings: { slowModeSeconds: 0, whoMaySend: 'MODERATOR' } }),
  'make a group': ({ as, id }) => as('fay').command('create_chat', { type: 'GROUP', name: 'New', participantIds: [id('lee'), id('cleo'), id('zoe')] }),
  'make a group, and write': async ({ as, id }) => {
    const { chat } = await as('fay').command('create_chat', { type: 'GROUP', name: 'New', participantIds: [id('lee'), id('bob')] })
    await as('fay').send({ chatId: chat.id, content: 'first' })
    await as('bob').send({ chatId: chat.id, content: 'second' })
  },
  'make a large group': ({ as, id }) => as('fay').command('create_chat', { type: 'GROUP', name: 'Large', participantIds: [id('lee'), ...Array.from({ length: 70 }, (_, n) => `${id('zoe')}x${n}`)] }),
  'make a group alone': ({ as }) => as('fay').command('create_chat', { type: 'GROUP', name: 'Alone', participantIds: [] }),
  'make a direct chat': ({ as, id }) => as('fay').command('create_chat', { type: 'DIRECT', targetUserId: id('lee') }),
  'make a direct chat from both sides at once': async ({ as, id }) => {
    const [one, other] = await Promise.all([as('fay').command('create_chat', { type: 'DIRECT', targetUserId: id('lee') }), as('lee').command('create_chat', { type: 'DIRECT', targetUserId: id('fay') })])
    if (one.chat.id !== other.chat.id) throw new Error('Two chats of one pair')
  },
  'write to a person': ({ as, id }) => as('fay').send({ targetUserId: id('zoe'), content: 'hello' }),
  'write to a person, who answers': each(({ as, id }) => as('fay').send({ targetUserId: id('lee'), content: 'hello' }), ({ as, id }) => as('lee').send({ targetUserId: id('fay'), content: 'hello' })),
  'delete a direct chat for me': async ({ as, id }) => {
    const { message: { chatId } } = await as('fay').send({ targetUserId: id('lee'), content: 'hello' })
    await as('fay').command('delete_chat', { chatId, scope: 'me' })
  },
  'delete a direct chat for me, then something new comes': async ({ as, id }) => {
    const { message: { chatId } } = await as('fay').send({ targetUserId: id('lee'), content: 'hello' })
    await as('fay').command('delete_chat', { chatId, scope: 'me' })
    await as('lee').send({ chatId, content: 'still there?' })
  },
  'delete a group for me': ({ as, chatId }) => as('fay').command('delete_chat', { chatId, scope: 'me' }),
  'delete the chat for everyone': ({ as, chatId }) => as('olga').command('delete_chat', { chatId, scope: 'everyone' }),
  'remove several': each(remove('lee'), remove('bob'), remove('cleo')),
  'remove a sender, who comes back and writes': each(remove('bob'), add('bob'), send('bob')),
  'remove somebody, meanwhile messages come, and they are back': each(remove('lee'), send('bob'), send('fay'), add('lee'), send('olga')),
  'support: ask': support(),
  'support: take, also by who blocks the user, and answer': support(take('bea'), say('bea'), take('fay', { join: true }), say('fay'), say('bob')),
  'support: take what another has taken': support(take('fay'), async (chatId, { as }) => { await as('lee').command('take_chat', { chatId }).catch(() => {}) }),
  'support: hand over to who is there, and to who is not': support(take('fay'), take('lee', { join: true }), say('lee'), release('fay', 'lee'), release('lee', 'cleo'), say('bob'), say('cleo')),
  'support: release, back to the queue, and come back': support(take('fay'), say('fay'), release('fay'), say('bob'), take('fay'), say('bob')),
  'support: an assignee who is removed': support(take('fay'), take('lee', { join: true }), (chatId, { as, id }) => as('lee').command('remove_participant', { chatId, userId: id('fay') }), say('bob')),
  'support: close, from outside too, and write again': support(take('fay'), close('bob'), say('bob'), close('lee'), say('fay')),
  'support: close, and take again': support(take('fay'), release('fay'), close('bob'), take('lee'), say('lee')),
  'set labels and retention of a direct chat': async ({ as, id }) => {
    const { message: { chatId } } = await as('fay').send({ targetUserId: id('lee'), content: 'hello' })
    await as('lee').command('update_chat', { chatId, labels: { call: '7' }, metadata: { a: 1 }, settings: { retentionDays: 7 } })
  },
  'retention takes the oldest': trim(({ oldest }) => oldest),
  'retention takes what was answered, pinned and reacted to': each(
    ({ as, chatId, message, oldest }) => as('fay').send({ chatId, content: 'to that', replyToId: message(oldest) }), pin('mona', 'oldest'), react('fay', 'oldest', '👍'), trim(({ oldest }) => oldest + 1)),
  'retention takes all but the newest, somebody is added who sees everything': each(showHistory, trim(({ newest }) => newest - 1), add('zoe'), edit('newest')),
  'retention takes everything': trim(),
  'retention takes everything, then something new comes': each(trim(), send('bob'), send('lee')),
  'delete the chat for everyone, and its rows go': each(({ as, chatId }) => as('olga').command('delete_chat', { chatId, scope: 'everyone' }), () => parley.app.jobs.run('remove-deleted-chats')),
}

/** fay asks zoe, whom nobody knows. What happens then to that chat. */
const ask: Action = ({ as, id }) => as('fay').send({ targetUserId: id('zoe'), content: 'hello' })
const inRequest = (person: Person, work: (client: Client, chatId: string) => Promise<unknown>): Action => async ({ as }) => {
  const { data } = await as('fay').command('get_chats', { type: 'DIRECT' })
  for (const { chat } of data) await work(as(person), chat.id)
}
const respond = (name: 'accept_chat' | 'reject_chat'): Action => inRequest('zoe', (zoe, chatId) => zoe.command(name, { chatId }))
const readRequest = inRequest('zoe', (zoe, chatId) => zoe.command('mark_as_read', { chatId }))
const write = (person: 'fay' | 'zoe'): Action => inRequest(person, (client, chatId) => client.send({ chatId, content: 'so' }))
const aMonthPasses: Action = () => parley.app.db.pool.query("UPDATE chat.chat_session SET answered_at = answered_at - interval '31 days' WHERE request_status = 'REJECTED'")
/** zoe wants to be asked before she is in a group. */
const invite: Action = each(({ as }) => as('zoe').command('update_me', { settings: { groupInvites: 'ASK' } }), add('zoe'))
const come = (name: 'accept_chat' | 'reject_chat'): Action => ({ as, chatId }) => as('zoe').command(name, { chatId })

Object.assign(ACTIONS, {
  'ask without a word': ({ as, id }) => as('fay').command('create_chat', { type: 'DIRECT', targetUserId: id('zoe') }),
  'ask, and accept': each(ask, readRequest, ask, respond('accept_chat'), readRequest, write('fay'), write('zoe')),
  'ask, and answer by writing': each(ask, readRequest, write('fay'), write('zoe'), write('fay')),
  'ask, and read without an answer': each(ask, ask, readRequest),
  'ask, and reject': each(ask, readRequest, respond('reject_chat'), inRequest('fay', (fay, chatId) => fay.command('edit_message', { messageId: `${chatId}.1`, content: 'please' }))),
  'reject, and accept after all': each(ask, readRequest, respond('reject_chat'), respond('accept_chat'), write('fay')),
  'reject, and write after all': each(ask, respond('reject_chat'), write('zoe'), write('fay')),
  'reject, and be asked again': each(ask, readRequest, inRequest('zoe', (zoe, chatId) => zoe.command('delete_message', { messageId: `${chatId}.1`, scope: 'me' })), respond('reject_chat'), aMonthPasses, write('fay'), ask),
  'reject, be asked again, and accept': each(ask, readRequest, respond('reject_chat'), aMonthPasses, write('fay'), readRequest, respond('accept_chat')),
  'ask, and be blocked': each(ask, ({ as, id }) => as('zoe').command('block_user', { userId: id('fay') })),
  'invite somebody': each(invite, send('bob')),
  'invite somebody, who comes': each(invite, send('bob'), come('accept_chat'), send('zoe')),
  'invite somebody, who comes and sees everything': each(showHistory, invite, come('accept_chat')),
  'invite somebody, who does not come': each(invite, come('reject_chat'), send('bob')),
  'invite somebody, and withdraw it': each(invite, remove('zoe')),
  'invite somebody, and ban them': each(invite, sanction('ban_user', 'zoe')),
  'invite somebody, and delete the chat': each(invite, ({ as, chatId }) => as('olga').command('delete_chat', { chatId, scope: 'everyone' })),
  'make a group, and invite': each(invite, remove('zoe'), ({ as, id }) => as('fay').command('create_chat', { type: 'GROUP', name: 'New', participantIds: [id('zoe'), id('lee')] })),
} satisfies Record<string, Action>)

/** What people do on their own account, or have done to themselves: by every kind of viewer. */
const PERSONAL: Record<string, (person: typeof VIEWERS[number]) => Action> = {
  send: person => send(person),
  hide: person => ({ as, message, newest }) => as(person).command('delete_message', { messageId: message(newest), scope: 'me' }),
  'hide, before it is edited': person => async ({ as, message, newest }) => {
    await as(person).command('delete_message', { messageId: message(newest), scope: 'me' })
    await as('bob').command('edit_message', { messageId: message(newest), content: `edited for ${person}` })
  },
  clear: person => ({ as, chatId }) => as(person).command('clear_chat', { chatId }),
  'clear, then something new comes': person => each(({ as, chatId }) => as(person).command('clear_chat', { chatId }), send('bob'), send(person)),
  'clear, then retention takes less, and more': person => each(({ as, chatId }) => as(person).command('clear_chat', { chatId }), trim(({ oldest }) => oldest), send('bob'), trim(({ newest }) => newest + 1)),
  'be removed, and added again after retention has taken some': person => each(showHistory, remove(person), trim(({ oldest }) => oldest + 2), add(person)),
  'read everything': person => ({ as, chatId }) => as(person).command('mark_as_read', { chatId }),
  'read up to a message': person => ({ as, chatId, newest }) => as(person).command('mark_as_read', { chatId, upToSeq: newest - 1 }),
  'have everything delivered': person => ({ as, chatId }) => as(person).command('mark_as_delivered', { chatId }),
  'have the newest page delivered': person => async ({ as, id, chatId }) => {
    await as(person).command('get_history', { chatId })
    // It is written down a moment later, and then told to their own devices, too.
    await until(as(person), ({ chats }) => (chats.get(chatId)?.watermarks.get(id(person))?.deliveredSeq ?? 0) >= (chats.get(chatId)?.head.lastSeq ?? Infinity))
  },
  'read everything, then send': person => each(({ as, chatId }) => as(person).command('mark_as_read', { chatId }), send(person)),
  'pin the chat': person => set(person, { pinned: true }),
  mute: person => set(person, { mutedUntil: '2099-01-01T00:00:00.000Z', notifications: 'MENTIONS' }),
  archive: person => set(person, { archived: true }),
  'archive, then something new comes': person => each(set(person, { archived: true }), send('bob')),
  'archive and mute, then something new comes': person => each(set(person, { archived: true, mutedUntil: '2099-01-01T00:00:00.000Z' }), send('bob')),
  'archive, something new comes, then mute': person => each(set(person, { archived: true }), send('bob'), set(person, { mutedUntil: '2099-01-01T00:00:00.000Z' })),
  'archive, then a SYSTEM message comes': person => each(set(person, { archived: true }), ({ as, id, chatId }) => as('olga').command('update_participant', { chatId, userId: id('bob'), label: person })),
  'archive, while others write': person => async world => { await Promise.all([send('bob')(world), set(person, { archived: true })(world), send('olga')(world)]) },
  'mark as unread, then read': person => each(set(person, { markedUnread: true, pinned: true }), ({ as, chatId }) => as(person).command('mark_as_read', { chatId })),
  react: person => each(({ as, id }) => as(person).command('unblock_user', { userId: id('bob') }), react(person, 'newest', '👍')),
  'change my settings and name': person => ({ as }) => as(person).command('update_me', { displayName: person, settings: { requests: 'ACCEPT', privateReading: true } }),
  'be banned': person => sanction('ban_user', person),
  'be banned, unbanned and added again': person => each(sanction('ban_user', person), sanction('unban_user', person), add(person), send(person)),
  'be silenced': person => silence(person),
  leave: person => ({ as, chatId }) => as(person).command('leave_membership', { chatId }),
  'be removed': person => remove(person),
  'be removed and added again': person => each(remove(person), add(person)),
  'be removed, added again and write': person => each(remove(person), add(person), send(person), send('bob')),
  'be removed, and added again where new members see everything': person => each(showHistory, remove(person), add(person)),
  'hide, and edited when removed and added again': person => each(
    showHistory, ({ as, message, newest }) => as(person).command('delete_message', { messageId: message(newest), scope: 'me' }), remove(person), add(person),
    ({ as, message, newest }) => as('bob').command('edit_message', { messageId: message(newest), content: `edited for ${person}` })),
  'become an administrator': person => ({ as, id, chatId }) => as('olga').command('update_participant', { chatId, userId: id(person), role: 'ADMIN' }),
  block: person => each(({ as, id }) => as(person).command('block_user', { userId: id('olga') }), send('olga')),
  'block and unblock': person => each(({ as, id }) => as(person).command('block_user', { userId: id('bob') }), ({ as, id }) => as(person).command('unblock_user', { userId: id('bob') }), send('bob')),
  'read privately': person => each(readPrivately(person), read(person)),
  'read privately, and write': person => each(readPrivately(person), read(person), send(person), send('bob')),
  'read privately, then openly': person => each(
    readPrivately(person), read(person), readPrivately(person, false), send(person), send('bob'), read(person)),
  'read privately, be removed and added again': person => each(readPrivately(person), read(person), send(person), remove(person), add(person)),
  'block, both read and write': person => each(
    ({ as, id }) => as(person).command('block_user', { userId: id('olga') }), ...[person, 'olga' as const].flatMap(who => [send(who), read(who)])),
  'be blocked, both read and write, and be unblocked': person => each(
    ({ as, id }) => as('olga').command('block_user', { userId: id(person) }), ...[person, 'olga' as const].flatMap(who => [send(who), read(who)]),
    ({ as, id }) => as('olga').command('unblock_user', { userId: id(person) })),
  'unblock after an edit': person => each(
    ({ as, id }) => as(person).command('block_user', { userId: id('bob') }), ({ as, message, newest }) => as('bob').command('edit_message', { messageId: message(newest), content: `edited for ${person}` }),
    ({ as, id }) => as(person).command('unblock_user', { userId: id('bob') })),
}

async function converge (t: Test, action: Action): Promise<void> {
  const world = await makeWorld(t)
  const seen = () => structuredClone(PEOPLE.map(person => projectionOf(world.as(person).state)))
  const before = seen()
  const leaks = [...world.people.values()].flat().map(leaksTo)
  await action(world)
  await compare(t, world)
  t.same(leaks.flat(), [], 'nobody has been sent what they may not see')
  t.notOk(isDeepStrictEqual(seen(), before), 'the action has changed something')
}

/** Everybody's clients, and one that comes new, against the server. */
async function compare (t: Test, { people, id }: Awaited<ReturnType<typeof makeWorld>>): Promise<void> {
  await Promise.all(PEOPLE.map(async person => {
    const fresh = newClient(t, parley, id(person))
    fresh.start()
    try {
      await sameAsServer(t, parley, id(person), ...people.get(person) ?? [], fresh)
    } finally {
      fresh.stop()
    }
  }))
}

for (const [name, action] of Object.entries(ACTIONS)) t.test(name, t => converge(t, action))
for (const [name, action] of Object.entries(PERSONAL)) t.test(`everybody: ${name}`, t => converge(t, each(...VIEWERS.map(action))))
t.end()
