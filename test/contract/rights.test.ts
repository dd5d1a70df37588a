// Who may not do or see something gets the contract's answer, by REST and WebSocket alike, and nothing changes.
import t, { type Test } from 'tap'
import { commands, type CommandName } from '../../src/contract.ts'
import { propertiesOf, routesOf } from '../helpers/contract.ts'
import { startParley } from '../helpers/parley.ts'
import { snapshot } from '../helpers/snapshot.ts'
import { callRoute, signIn, type Answer, type Wire } from '../helpers/wire.ts'
import { RIGHTS, type Refusal } from './rights.ts'
import { makeWorld, PEOPLE, withRoles, type Person } from './world.ts'

/** What names somebody or something that is there. (A client's own keys name only what is theirs.) */
const IDENTIFIER = /(Id|Ids)$|^(cursor|externalRef)$/
const OWN_KEYS = ['clientMessageId', 'clientChatId']

const parley = withRoles(await startParley(t, { UNKNOWN_USERS: 'refuse', CHAT_REQUESTS: 'on' }))
const world = await makeWorld(parley)
const sockets = new Map<Person, Wire>()
for (const person of PEOPLE) sockets.set(person, await signIn(parley, world.id(person)))
const witness = await signIn(parley, world.id('fay'))

t.test('every identifier of every route and command has rows', async t => {
  for (const { name, inputs } of routesOf(parley.app)) covers(t, name, inputs, RIGHTS.filter(({ route }) => route === name))
  for (const name of Object.keys(commands) as CommandName[]) covers(t, name, propertiesOf(commands[name].data), RIGHTS.filter(({ command }) => command === name))
  t.strictSame(RIGHTS.filter(({ route }) => route && !routesOf(parley.app).some(({ name }) => name === route)), [], 'rows of what is no route')
})

function covers (t: Test, name: string, inputs: string[], rights: typeof RIGHTS): void {
  t.not(rights.length, 0, `${name} has rows`)
  for (const identifier of inputs.filter(input => IDENTIFIER.test(input) && !OWN_KEYS.includes(input))) {
    t.ok(rights.some(({ rows }) => (rows[identifier] ?? []).length > 0), `${name} has rows for ${identifier}`)
  }
}

for (const { route, command, rows } of RIGHTS) {
  for (const [subject, refusals] of Object.entries(rows)) {
    t.test(`${[route, command].filter(Boolean).join(' and ')}: ${subject}`, async t => {
      const before = await snapshot(parley.app)
      const told = witness.frames.length
      for (const refusal of refusals) {
        const { as } = refusal
        const data = refusal.input(world)
        if (route) judge(t, refusal, await callRoute(parley, parley.token(world.id(as)), route, data), `by REST, ${as}: ${JSON.stringify(data)}`)
        if (command) judge(t, refusal, await (sockets.get(as) as Wire).command(command, data), `by WebSocket, ${as}: ${JSON.stringify(data)}`)
      }
      t.strictSame(await snapshot(parley.app), before, 'nothing has changed')
      await witness.command('ping') // what was to be told has been told before it is answered
      t.strictSame(witness.frames.slice(told).filter(({ type }) => !['authenticated', 'pong', 'user_online', 'unread_message'].includes(type)), [], 'nobody is told of anything')
    })
  }
}

t.test('the answer for what is not there is the answer for what may not be seen', async t => {
  for (const [route, there, not] of [
    ['GET /sessions/{chatId}', { chatId: world.hers }, { chatId: world.hers.replace(/^.{8}/, '00000000') }],
    ['GET /messages/{messageId}', { messageId: world.hersOne }, { messageId: `${world.hers}.77` }],
    ['GET /users/{userId}', { userId: world.id('zoe') }, { userId: 'nobody' }],
  ] as const) {
    const [unseen, missing] = [await callRoute(parley, parley.token(world.id('bob')), route, there), await callRoute(parley, parley.token(world.id('bob')), route, not)]
    t.equal(unseen.status, 404)
    t.strictSame(unseen.body, missing.body, route)
  }
})
t.end()

function judge (t: Test, { error, sees }: Refusal, { code, body }: Answer, what: string): void {
  t.equal(code, error ?? null, what)
  if (sees) t.ok(sees(body, world), `${what}: nothing that they may not see in ${JSON.stringify(body).slice(0, 500)}`)
}
