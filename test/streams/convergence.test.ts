// Whatever happens in a STREAM: who has looked on all the while holds what somebody does who comes now.
import t, { type Test } from 'tap'
import type { Client } from '../../src/client/client.ts'
import { cuttable, newClient, request, startClient, until } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { send } from '../helpers/world.ts'

const parley = await startParley(t)
let streams = 0

interface World { chatId: string, id: (name: string) => string, as: (name: string) => Client, rest: (name: string, method: string, path: string, body?: object) => Promise<unknown> }
type Action = (world: World) => Promise<unknown>

const PEOPLE = ['ann', 'mod', 'sue', 'zoe', 'bea']

/** ann owns the stream, mod keeps order, sue has spoken, zoe only looks, bea has blocked sue. */
async function makeWorld (t: Test): Promise<World> {
  const number = ++streams
  const id = (name: string) => `${name}${number}`
  const rest: World['rest'] = (name, method, path, body) => request(parley, id(name), method, path, body)
  const { chat: { id: chatId } } = await rest('ann', 'POST', '/sessions', { type: 'STREAM', name: 'Live' }) as { chat: { id: string } }
  await rest('bea', 'PUT', `/blocks/${id('sue')}`)
  await send(parley, id('mod'), chatId, 'hello')
  await rest('ann', 'PATCH', `/sessions/${chatId}/participants/${id('mod')}`, { role: 'MODERATOR' })
  await send(parley, id('sue'), chatId, 'hi')
  const clients = new Map(await Promise.all(PEOPLE.map(async (name): Promise<[string, Client]> => {
    const client = await startClient(t, parley, id(name))
    await client.command('join_chat', { chatId })
    await client.whenSynced()
    return [name, client]
  })))
  return { chatId, id, rest, as: name => clients.get(name) as Client }
}

/** What a client holds of the chat; how far it has read is its own matter. */
function held ({ state }: Client, chatId: string) {
  const { chat, head, participants, messages, watermarks } = state.chats.get(chatId) ?? {}
  return {
    chat,
    head: { ...head, readSeq: 0, deliveredSeq: 0, unreadCount: 0, mentionCount: 0 },
    participants: Object.fromEntries(participants ?? []),
    messages: [...messages?.values() ?? []].sort((a, b) => a.seq - b.seq),
    watermarked: [...watermarks?.keys() ?? []],
  }
}

const ACTIONS: Record<string, Action> = {
  'people speak, for the first time and again': async ({ id, chatId }) => {
    for (const name of ['zoe', 'sue', 'new', 'zoe', 'new']) await send(parley, id(name), chatId, `from ${name}`)
  },
  'people speak all at once': ({ id, chatId }) => Promise.all(Array.from({ length: 40 }, (_, n) => send(parley, id(`guest${n % 20}`), chatId, `${n}`))),
  'edit, delete, react, pin': async ({ as, chatId }) => {
    const { message } = await as('sue').send({ chatId, content: 'one' })
    await as('sue').command('edit_message', { messageId: message.id, content: 'edited' })
    await as('mod').command('add_reaction', { messageId: message.id, emoji: '👍' })
    await as('ann').command('pin_message', { messageId: message.id })
    await as('mod').command('delete_message', { messageId: `${chatId}.1`, scope: 'everyone' })
  },
  'a change of the chat and of a role': async ({ as, id, chatId }) => {
    await as('ann').command('update_chat', { chatId, name: 'Still live', settings: { slowModeSeconds: 5 } })
    await as('ann').command('update_participant', { chatId, userId: id('sue'), role: 'ADMIN', label: 'STREAMER' })
  },
  'somebody is silenced': ({ as, id, chatId }) => as('mod').command('silence_user', { chatId, userId: id('sue'), seconds: 60 }),
  'somebody leaves, and speaks again': async ({ as, id, rest, chatId }) => {
    await as('sue').command('leave_membership', { chatId })
    await send(parley, id('sue'), chatId, 'back')
    await as('sue').command('join_chat', { chatId })
    await rest('ann', 'POST', `/sessions/${chatId}/participants`, { userIds: [id('max')] })
  },
}

for (const [name, action] of Object.entries(ACTIONS)) {
  t.test(name, async t => {
    const world = await makeWorld(t)
    const { chatId, id, as } = world
    await action(world)
    for (const name of PEOPLE) {
      const fresh = newClient(t, parley, id(name))
      fresh.start()
      await fresh.command('join_chat', { chatId })
      await fresh.whenSynced()
      const wanted = held(fresh, chatId)
      await until(as(name), ({ chats }) => (chats.get(chatId)?.cursor ?? 0) >= (wanted.head.lastRevision ?? 0))
      t.strictSame(held(as(name), chatId), wanted, name)
      if (name === 'bea') t.ok(wanted.messages.some(({ fromBlocked }) => fromBlocked))
      fresh.stop()
    }
  })
}

t.test('who comes in the midst of a crowd, or is cut off from it, misses nothing', async t => {
  const { chatId, id } = await makeWorld(t)
  const { WebSocket, cut } = cuttable()
  const cutOff = await startClient(t, parley, id('zoe'), { WebSocket })
  const comers: Client[] = []
  const talk = async (name: string) => {
    for (let n = 0; n < 40; n++) {
      await send(parley, id(name), chatId, `${name} ${n}`)
      if (n % 10 === 5) {
        const comer = newClient(t, parley, id('bea'))
        comer.start()
        await comer.command('join_chat', { chatId })
        comers.push(comer)
        cut()
      }
    }
  }
  await cutOff.command('join_chat', { chatId })
  await Promise.all(['t1', 't2', 't3'].map(talk))
  const last = await send(parley, id('ann'), chatId, 'the end')
  for (const client of [cutOff, ...comers]) {
    await until(client, ({ chats }) => (chats.get(chatId)?.cursor ?? 0) >= last.revision)
    const seqs = held(client, chatId).messages.map(({ seq }) => seq)
    t.strictSame(seqs, Array.from({ length: seqs.length }, (_, index) => last.seq - seqs.length + 1 + index), 'without a hole')
    t.ok(seqs.length >= 50)
  }
  t.equal(cutOff.state.chats.get(chatId)?.head.memberCount, 6)
})

t.test('who leaves or is banned holds it no longer', async t => {
  const { chatId, id, as, rest } = await makeWorld(t)
  await as('zoe').command('leave_chat', { chatId })
  t.notOk(as('zoe').state.chats.has(chatId))
  await rest('mod', 'POST', `/sessions/${chatId}/participants/${id('sue')}/ban`)
  await until(as('sue'), ({ chats }) => !chats.has(chatId))
  t.notOk(as('sue').state.chats.has(chatId))
})

t.end()
