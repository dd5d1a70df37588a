import t from 'tap'
import { startNodes } from '../helpers/nodes.ts'
import type { Parley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup, send } from '../helpers/world.ts'
import { chaosTest } from './chaos.ts'
import { nodesTests } from './nodes.ts'

nodesTests(t, { BUS: 'postgres' })

t.test('a link that is lost, and comes back', async t => {
  const [a, b] = await startNodes(t, 2, { BUS: 'postgres', SWEEP_SECONDS: '600' }) as [Parley, Parley]
  const chatId = await makeGroup(a, 'alice', ['bob'])
  const bob = await signIn(t, b, 'bob')
  const sql = await connectSql(t, a)
  const up = new Promise<void>(resolve => b.app.bus.onUp(resolve))
  await sql.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'parley listener'", [])
  while (b.app.bus.isUp) await new Promise(resolve => setImmediate(resolve))
  t.match(await (await fetch(`${b.url}/health/ready`)).json(), { status: 'ready', bus: 'down' }, 'it serves, and says that it hears nobody')
  await send(a, 'alice', chatId, 'unheard')
  t.match((await bob.next('changes', event => event.chatId === chatId)).data, { messages: [{ content: 'unheard' }] }, 'what was not heard is looked for')
  await up
  t.match(await (await fetch(`${b.url}/health/ready`)).json(), { status: 'ready', bus: 'up' })
  await sql.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'parley bus'", [])
  await send(a, 'alice', chatId, 'said again')
  t.match((await bob.next('changes', event => event.chatId === chatId)).data, { messages: [{ content: 'said again' }] }, 'what could not be said is said later')
})

t.test('what anybody else says on the channel is passed over', async t => {
  const [a, b] = await startNodes(t, 2, { BUS: 'postgres', SWEEP_SECONDS: '600' }) as [Parley, Parley]
  const chatId = await makeGroup(a, 'alice', ['bob'])
  const bob = await signIn(t, b, 'bob')
  const sql = await connectSql(t, a)
  const other = '00000000-0000-4000-8000-000000000000'
  for (const payload of ['', 'hello', '[]', '{}', '{"node":1}', `{"node":"${other}","c":[["not a chat",1]]}`, `{"node":"${other}","c":[["${chatId}",-1]]}`, `{"node":"${other}","f":[{"type":"x\\"","data":{}}]}`, `{"node":"${other}","x":[{"userId":"bob","code":1}]}`]) {
    await sql.rows("SELECT pg_notify('parley_bus', $1)", [payload])
  }
  await sql.rows("SELECT pg_notify('parley_bus', $1)", [`{"node":"${other}","c":[["${chatId}",2147483647]]}`]) // a revision that is not there
  await send(a, 'alice', chatId, 'hello')
  await bob.next('changes', ({ data }) => data.messages.some(({ content }) => content === 'hello'))
  t.ok(b.app.bus.isUp)
})

chaosTest(t, { BUS: 'postgres' })
