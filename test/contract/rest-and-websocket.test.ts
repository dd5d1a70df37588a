// REST and WebSocket are two doors to one room: the same input gives the same result, the same events, or the same error.
import t, { type Test } from 'tap'
import { commands } from '../../src/contract.ts'
import { routesOf } from '../helpers/contract.ts'
import { startParley } from '../helpers/parley.ts'
import { callRoute, signIn, type Answer, type Frame, type Wire } from '../helpers/wire.ts'
import { OPERATIONS, REST_ONLY, SOCKET_ONLY, type Case, type Operation } from './operations.ts'
import { makeWorld, makeWorlds, normalized, withRoles, type Person, type World } from './world.ts'

const parley = withRoles(await startParley(t, { CHAT_REQUESTS: 'on' }))
/** One world does for all that changes nothing, as what fails does. */
const shared = await makeWorld(parley)
const copies = { plain: await makeWorlds(parley, { support: false }), support: await makeWorlds(parley) }
const sockets = new Map<Person, Promise<Wire>>()

t.test('every route and every command has a row, or a reason to have none', async t => {
  const routes = new Set(OPERATIONS.map(({ route }) => route))
  const names = new Set(OPERATIONS.map(({ command }) => command))
  t.strictSame(routesOf(parley.app).map(({ name }) => name).toSorted(), [...routes, ...Object.keys(REST_ONLY)].toSorted(), 'routes')
  t.strictSame(Object.keys(commands).toSorted(), [...names, ...Object.keys(SOCKET_ONLY)].toSorted(), 'commands')
  for (const { route, command, cases } of OPERATIONS) t.ok(cases.some(({ error }) => !error), `${route} and ${command} succeed once`)
})

for (const operation of OPERATIONS) {
  t.test(`${operation.route} and ${operation.command}`, async t => {
    await Promise.all(operation.cases.map(async (row, index) => {
      const isHarmless = row.error || (isRead(operation) && !row.prepare && !row.changes)
      await (isHarmless ? saysTheSame : doesTheSame)(t, operation, row, `${index + 1}: by ${row.as}`)
    }))
  })
}
t.end()

function isRead ({ route }: Operation): boolean {
  return route.startsWith('GET ') || route === 'POST /sync'
}

async function saysTheSame (t: Test, { route, command, says }: Operation, { as, input, error }: Case, name: string): Promise<void> {
  const data = input?.(shared)
  const socket = sockets.get(as) ?? signIn(parley, shared.id(as))
  sockets.set(as, socket)
  const byRest = await callRoute(parley, parley.token(shared.id(as)), route, data)
  const bySocket = await (await socket).command(command, says ? { ...data, ...says } : data)
  const said = `${name}: ${JSON.stringify(data)?.slice(0, 200)}`
  t.equal(byRest.code, error ?? null, `${said} by REST`)
  t.equal(bySocket.code, error ?? null, `${said} by WebSocket`)
  if (!error) t.strictSame(bySocket.body, byRest.body, `${said}: the same body`)
}

async function doesTheSame (t: Test, operation: Operation, row: Case, name: string): Promise<void> {
  const [byRest, bySocket] = await Promise.all([
    during(operation, row, world => callRoute(parley, parley.token(world.id(row.as)), operation.route, row.input?.(world))),
    during(operation, row, (world, caller) => caller.command(operation.command, operation.says ? { ...row.input?.(world), ...operation.says } : row.input?.(world))),
  ])
  t.equal(byRest.answer.code, null, `${name}: by REST ${JSON.stringify(byRest.answer.body).slice(0, 200)}`)
  t.equal(bySocket.answer.code, null, `${name}: by WebSocket ${JSON.stringify(bySocket.answer.body).slice(0, 200)}`)
  t.strictSame(normalized(bySocket.answer.body), normalized(byRest.answer.body), `${name}: the same body`)
  t.strictSame(normalized(bySocket.told), normalized(byRest.told), `${name}: the same events`)
}

/** Does it in a world of its own; what came of it, and what the caller's other device and somebody else were told. */
async function during ({ support = false }: Operation, { as, prepare }: Case, act: (world: World, caller: Wire) => Promise<Answer>): Promise<{ answer: Answer, told: Frame[][] }> {
  const world = await copies[support ? 'support' : 'plain']()
  await prepare?.(world)
  const [caller, device, witness] = await Promise.all([signIn(parley, world.id(as)), signIn(parley, world.id(as)), signIn(parley, world.id(as === 'fay' ? 'bob' : 'fay'))])
  const answer = await act(world, caller)
  const told = [await eventsOf(device), await eventsOf(witness)]
  await Promise.all([caller, device, witness].map(wire => wire.close()))
  return { answer, told }
}

/** In one process all events go out before the reply does: what comes before the pong is all there is. Who comes online, and notices, do so in their own time. */
async function eventsOf (wire: Wire): Promise<Frame[]> {
  await wire.command('ping')
  const events = wire.frames.filter(({ re, type }) => re === undefined && !['authenticated', 'user_online', 'user_offline', 'unread_message'].includes(type))
  const chatOf = ({ chatId }: Frame) => String(chatId ?? '')
  return events.toSorted((a, b) => chatOf(a) < chatOf(b) ? -1 : chatOf(a) > chatOf(b) ? 1 : 0) // in which order those of different chats come is not promised
}
