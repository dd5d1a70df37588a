// People and chats to try things on, each world apart from all others on the same server.
import { newMark, Rows } from '../helpers/copies.ts'
import { uploadOne } from '../helpers/media.ts'
import { callRoute, type Answer, type Input } from '../helpers/wire.ts'
import type { Parley } from '../helpers/parley.ts'

/**
 * In the group: olga owns it, adam is an administrator, mona a moderator, bob, fay and sid (silenced) are members, lee has
 * joined later and does not see what was before; lex has left, rex was removed. Not in it: zoe, who has a chat of her own
 * with yan, and ida, who blocks bob and olga. vic is in no chat. By their tokens gus and gwen are agents, and root is an administrator of
 * everything.
 */
export const PEOPLE = ['olga', 'adam', 'mona', 'bob', 'fay', 'sid', 'lee', 'lex', 'rex', 'zoe', 'yan', 'ida', 'vic', 'gus', 'gwen', 'root'] as const
export type Person = typeof PEOPLE[number]

const ROLES = new Map([['gus', 'agent'], ['gwen', 'agent'], ['root', 'admin']])

/** The same server, with tokens that carry the role of the person. */
export function withRoles (parley: Parley): Parley {
  return {
    ...parley,
    token: (userId, claims) => {
      const role = ROLES.get(userId.replace(/-w\d+$/, ''))
      return parley.token(userId, { ...(role && { role }), ...claims })
    },
  }
}

export interface World {
  id: (person: Person) => string
  /** By REST. @throws what is not expected */
  call: (person: Person, route: string, input?: Input) => Promise<Answer>
  /** A small file of theirs, for a chat. Its id. */
  upload: (person: Person, chatId: string) => Promise<string>
  /** What a test has uploaded. */
  file?: string
  /** Of the database. */
  epoch: string
  group: string
  /** bob and fay. */
  direct: string
  /** bob and ida. */
  blocked: string
  /** bob may not send, or not that often. */
  quiet: string
  slow: string
  /** A STREAM: olga owns it, bob has spoken, rex is banned. */
  stream: string
  /** zoe and yan. */
  hers: string
  /** zoe has asked lex, whom she does not know, to talk (where CHAT_REQUESTS is on), and has no answer. */
  asked: string
  askedOne: string
  /** Was olga's and bob's, until it was deleted. */
  dead: string
  /** Bob's questions: nobody's yet; gus's, with a message of bob's; closed, and was gus's. */
  question: string
  taken: string
  closed: string
  /** Ids of messages. In the group, oldest first: bob's, too old to be edited and before lee's time; lex's; rex's; bob's; fay's answer to it; bob's, deleted. */
  early: string
  lexs: string
  rexs: string
  late: string
  answer: string
  deleted: string
  /** In the others. */
  directOne: string
  hersOne: string
  deadOne: string
  /** Of bob's, in a group where ida, who blocks him, is too. */
  also: string
}

type Doing = Pick<World, 'id' | 'call' | 'upload'>

function doing (parley: Parley, mark: string): Doing {
  const id = (person: Person) => person + mark
  return {
    id,
    call: async (person, route, input) => {
      const answer = await callRoute(parley, parley.token(id(person)), route, input)
      if (answer.code !== null) throw new Error(`${route} by ${person}: ${JSON.stringify(answer.body)}`)
      return answer
    },
    upload: async (person, chatId) => (await uploadOne(parley, id(person), chatId, { name: 'file.txt', bytes: 'hello' })).id,
  }
}

/** Makes a world, and copies of it. Nothing else may happen on the server while it is made. */
export async function makeWorlds (parley: Parley, options: { support?: boolean } = {}): Promise<() => Promise<World>> {
  const before = await Rows.read(parley.app)
  const { id, call, upload, ...names } = await makeWorld(parley, options)
  const rows = await Rows.read(parley.app, before)
  const text = JSON.stringify(names)
  return async () => {
    const mark = newMark()
    const renamed = await rows.copy(parley.app, mark)
    return { ...JSON.parse(renamed(text)), ...doing(parley, mark) }
  }
}

/** `support`: with bob's questions, where they are needed. */
export async function makeWorld (parley: Parley, { support = true } = {}): Promise<World> {
  const mark = newMark()
  const { id, call, upload } = doing(parley, mark)
  const create = async (person: Person, name: string, others: Person[], more: Input = {}) => {
    const { body } = await call(person, 'POST /sessions', { type: 'GROUP', name, participantIds: others.map(id), ...more })
    return (body.chat as { id: string }).id
  }
  const send = async (person: Person, chatId: string, content: string, more: Input = {}) => {
    const { body } = await call(person, 'POST /sessions/{chatId}/messages', { chatId, content, clientMessageId: content, ...more })
    return (body.message as { id: string }).id
  }
  const sendTo = async (person: Person, other: Person) => {
    const { body } = await call(person, 'POST /messages', { targetUserId: id(other), content: 'hello', clientMessageId: 'hello' })
    return body.message as { id: string, chatId: string }
  }

  const { pool } = parley.app.db
  await pool.query('INSERT INTO chat.chat_user (id) SELECT unnest($1::text[])', [PEOPLE.map(id)])
  const group = await create('olga', 'Friends', ['adam', 'mona', 'bob', 'fay', 'sid', 'lex', 'rex'])
  await call('olga', 'PATCH /sessions/{chatId}/participants/{userId}', { chatId: group, userId: id('adam'), role: 'ADMIN' })
  await call('olga', 'PATCH /sessions/{chatId}/participants/{userId}', { chatId: group, userId: id('mona'), role: 'MODERATOR' })
  const early = await send('bob', group, 'early')
  const lexs = await send('lex', group, 'of lex')
  const rexs = await send('rex', group, 'of rex')
  await call('lex', 'DELETE /sessions/{chatId}', { chatId: group })
  await call('olga', 'DELETE /sessions/{chatId}/participants/{userId}', { chatId: group, userId: id('rex') })
  await call('olga', 'POST /sessions/{chatId}/participants', { chatId: group, userIds: [id('lee')] })
  const late = await send('bob', group, 'late', { metadata: { color: 'red' } })
  const answer = await send('fay', group, 'answer', { replyToId: late })
  const deleted = await send('bob', group, 'deleted')
  await call('bob', 'DELETE /messages/{messageId}', { messageId: deleted })
  await call('mona', 'POST /sessions/{chatId}/participants/{userId}/silence', { chatId: group, userId: id('sid'), seconds: 86_400 })
  const { chatId: direct, id: directOne } = await sendTo('bob', 'fay')
  const { chatId: blocked } = await sendTo('bob', 'ida')
  for (const person of ['bob', 'olga'] as const) await call('ida', 'PUT /blocks/{userId}', { userId: id(person) })
  const mixed = await create('fay', 'Mixed', ['bob', 'ida'])
  const also = await send('bob', mixed, 'also')
  const quiet = await create('olga', 'Quiet', ['bob'], { settings: { whoMaySend: 'ADMIN' } })
  const slow = await create('olga', 'Slow', ['bob'], { settings: { slowModeSeconds: 3600 } })
  await send('bob', slow, 'one')
  const ask = async (name: string) => {
    const { body } = await call('bob', 'POST /sessions', { type: 'SUPPORT', name, labels: { topic: name } })
    return (body.chat as { id: string }).id
  }
  const hers = await create('zoe', 'Hers', ['yan'], { externalRef: `hers${mark}` })
  const hersOne = await send('zoe', hers, 'hers')
  const { body: { chat: live } } = await call('olga', 'POST /sessions', { type: 'STREAM', name: `live${id('olga')}`, externalRef: `live${id('olga')}` })
  const stream = (live as { id: string }).id
  await send('bob', stream, 'hello')
  await send('rex', stream, 'bad words')
  await call('olga', 'POST /sessions/{chatId}/participants/{userId}/ban', { chatId: stream, userId: id('rex') })
  const { chatId: asked, id: askedOne } = await sendTo('zoe', 'lex')
  const dead = await create('olga', 'Dead', ['bob'])
  const deadOne = await send('bob', dead, 'dead')
  await call('olga', 'DELETE /sessions/{chatId}', { chatId: dead, scope: 'everyone' })

  // What nobody can do by the API. bob and fay are online, on some other node.
  await pool.query("INSERT INTO chat.presence_lease (user_id, node_id, lease_until) SELECT unnest($1::text[]), 'another', now() + interval '1 hour'", [[id('bob'), id('fay')]])
  await pool.query("UPDATE chat.chat_message SET created_at = created_at - interval '1 day' WHERE chat_id = $1 AND content = 'early'", [group])
  let [question, taken, closed] = ['', '', '']
  if (support) {
    question = await ask('question')
    taken = await ask('taken')
    closed = await ask('closed')
    await send('bob', taken, 'help')
    for (const chatId of [taken, closed]) await call('gus', 'POST /sessions/{chatId}/take', { chatId })
    await call('bob', 'POST /sessions/{chatId}/close', { chatId: closed })
  }
  return { id, call, upload, epoch: parley.app.epoch(), group, direct, blocked, quiet, slow, stream, hers, asked, askedOne, dead, question, taken, closed, early, lexs, rexs, late, answer, deleted, directOne, hersOne, deadOne, also }
}

/** The same number in all worlds: ids, times and keys, each by the place where it is first seen. */
export function normalized (value: unknown): unknown {
  const uuids = new Map<string, string>()
  const text = JSON.stringify(sorted(value))
    .replace(/-w\d+/g, '')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, uuid => {
      if (!uuids.has(uuid)) uuids.set(uuid, `uuid ${uuids.size + 1}`)
      return uuids.get(uuid) ?? ''
    })
    .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"time"')
    .replace(/"nextCursor":"[\w-]{20,}"/g, '"nextCursor":"cursor"')
  return JSON.parse(text)
}

function sorted (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1).map(([key, child]) => [key, sorted(child)]))
}
