// What /metrics says of what has happened.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { UnreliableBus } from '../helpers/unreliable-bus.ts'
import { makeGroup, send } from '../helpers/world.ts'

const bus = new UnreliableBus()
const parley = await startParley(t, { SWEEP_SECONDS: '0.2' }, bus)

/** The number of a line, by its name and labels as they are written. */
async function read (): Promise<(line: string) => number | undefined> {
  const response = await fetch(`${parley.url}/metrics`)
  t.match(response.headers.get('content-type'), /^text\/plain/)
  const lines = new Map((await response.text()).split('\n').map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
  return line => lines.get(line)
}

t.test('sockets, commands, sends, deliveries, repairs, sweeps, the bus, the pool', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  const before = await read()
  t.equal(before('parley_connections'), 2)
  t.equal(before('parley_users'), 2)
  t.equal(before('parley_chats_followed'), 1)
  t.equal(before('parley_bus_up{bus="memory"}'), 1)
  t.type(before('parley_database_connections{state="idle"}'), 'number')
  t.type(before('parley_database_waiting'), 'number')
  t.type(before('nodejs_eventloop_lag_p99_seconds'), 'number')

  await alice.command('send_message', { chatId, content: 'counted' })
  await bob.next('message_received')
  await t.rejects(bob.command('edit_message', { messageId: `${chatId}.1`, content: 'not mine' }))
  await t.rejects(bob.request({ id: 'x', type: 'a"b\n' }))
  await t.rejects(bob.request({ id: 'y', type: 'no_such_command' }))
  bus.lose('message_received')
  await send(parley, 'alice', chatId, 'lost')
  await bob.next('changes')

  const after = await read()
  t.equal(after('parley_commands_total{type="send_message",outcome="ok"}'), 1)
  t.equal(after('parley_commands_total{type="edit_message",outcome="NOT_YOURS"}'), 1)
  t.equal(after('parley_commands_total{type="unknown",outcome="UNKNOWN_COMMAND"}'), 2, 'names that somebody has made up are not kept')
  const more = (line: string) => (after(line) ?? 0) - (before(line) ?? 0)
  t.equal(more('parley_send_batch_size_count'), 2)
  t.equal(more('parley_send_batch_size_sum'), 2)
  t.equal(more('parley_send_batch_wait_seconds_count'), 2)
  t.equal(more('parley_send_batch_seconds_count'), 2)
  t.equal(more('parley_event_lag_seconds_count'), 1)
  t.equal(more('parley_gaps_repaired_total'), 1)
  t.ok((after('parley_sweeps_total') ?? 0) > 0)
  t.equal(after('parley_slow_readers_cut_total'), 0)
  t.equal(after('parley_accepts_refused_total'), 0)
})

t.test('the dashboard and the README name no metric that there is not', async t => {
  const text = await (await fetch(`${parley.url}/metrics`)).text()
  const known = new Set([...text.matchAll(/^(\w+)(?:\{|\s)/gm)].map(([, name]) => name))
  const labels = new Set(['instance', ...[...text.matchAll(/[{,](\w+)="/g)].map(([, label]) => label)]) // Prometheus itself adds the instance
  const asked = (JSON.parse(readFileSync('deploy/grafana.json', 'utf8')) as { panels: { targets: { expr: string }[] }[] }).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  const names = asked.flatMap(expr => [...expr.matchAll(/\b(?:parley|nodejs|process)_\w+/g)].map(([name]) => name))
  t.ok(names.length >= asked.length)
  for (const name of names) t.ok(known.has(name), name)
  for (const label of asked.flatMap(expr => [...expr.matchAll(/[{,](\w+)[=!]/g)].map(([, label = '']) => label))) t.ok(labels.has(label), label)
  const described = [...readFileSync('README.md', 'utf8').matchAll(/`(parley_\w+)/g)].map(([, name = '']) => name)
  t.ok(described.length > 10)
  for (const name of described) t.ok(known.has(name) || known.has(`${name}_count`), name)
  const told = [...text.matchAll(/^# TYPE (parley_\w+)/gm)].map(([, name]) => name)
  t.strictSame(told.filter(name => name && !described.includes(name)), [], 'the README says what each means')
})

t.end()
