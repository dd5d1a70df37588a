// make cluster: three nodes behind a balancer are one server, and stay so when one of them is killed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { createClient, type Client } from '../../src/client/client.ts'
import { createDatabase } from '../helpers/database.ts'
import { until } from '../helpers/live.ts'
import { JWT_SECRET, token } from '../helpers/parley.ts'

const DATABASE_URL = await createDatabase(t)
const child = spawn(process.execPath, ['src/cluster/main.ts'], {
  env: { ...process.env, DATABASE_URL, JWT_SECRET, HOST: '127.0.0.1', PORT: '0', JOBS: 'off', LOG_LEVEL: 'fatal', DATABASE_POOL_MAX: '4' }, stdio: ['ignore', 'pipe', 'pipe'],
})
const exited = once(child, 'exit')
t.teardown(async () => {
  child.kill('SIGTERM')
  await exited
})
let said = ''
for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => { said += text })

async function hears (pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const match = pattern.exec(said)
    if (match) return match
    await Promise.race([once(child.stdout, 'data'), exited.then(() => { throw new Error(`It has ended: ${said}`) })])
  }
}

const [, port] = await hears(/http:\/\/localhost:(\d+)\/docs/)
const [, bus] = await hears(/with BUS=(\w+)/)

function startClient (userId: string): Client {
  const client = createClient({ url: `ws://127.0.0.1:${port}/api/v1/chat/ws`, token: () => token(userId) })
  t.teardown(() => client.stop())
  client.start()
  return client
}

t.test(`people on three nodes chat (${bus}), and go on when a node is killed`, async t => {
  const people = ['alice', 'bob', 'cat'].map(startClient) as [Client, Client, Client] // by turns: one on each node
  await Promise.all(people.map(person => person.whenSynced()))
  const { chat: { id: chatId } } = await people[0].command('create_chat', { type: 'GROUP', name: 'Three', participantIds: ['bob', 'cat'] })
  const contents = (person: Client) => [...person.state.chats.get(chatId)?.messages.values() ?? []].sort((a, b) => a.seq - b.seq).filter(({ type }) => type === 'TEXT').map(({ content }) => content)
  const expected: string[] = []
  const say = async (person: Client, content: string) => {
    await until(person, state => state.chats.get(chatId)?.loaded === true)
    await person.send({ chatId, content })
    expected.push(content)
  }
  const all = () => Promise.all(people.map(person => until(person, () => contents(person).length === expected.length)))
  for (const [index, person] of people.entries()) await say(person, `hello from ${index}`)
  await all()

  const [, pid] = await hears(/node 2: process (\d+)/)
  process.kill(Number(pid), 'SIGKILL')
  for (const [index, person] of people.entries()) await say(person, `still here, ${index}`)
  await all()
  await hears(/node 2 has ended \(SIGKILL\)[\s\S]*node 2: process/)
  for (const person of people) t.same(contents(person), expected)
})

t.end()
