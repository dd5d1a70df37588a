// In a chat of 300 somebody stops reading: what is kept for them is bounded, the others get everything, and when they read
// again they come to what the server says. (How long the others wait is measured by `npm run bench -- slow-reader`.)
import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { systemClock } from '../../src/client/clock.ts'
import type { ClientOptions } from '../../src/client/client.ts'
import { newClient, sameAsServer } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { makeDirect, makeGroup, send } from '../helpers/world.ts'

const MEMBERS = 300
const MIB = 1024 * 1024
/** As large as a message can be. */
const CONTENT = '語'.repeat(10_000)
const FRAME_BYTES = 31_000

t.test('a reader that stops in a chat of 300', async t => {
  const parley = await startParley(t)
  const others = Array.from({ length: MEMBERS - 2 }, (_, n) => `user${n}`)
  const chatId = await makeGroup(parley, 'owner', ['slow', ...others])
  const aside = await makeDirect(parley, 'owner', 'slow')

  const received = new Map(others.map(userId => [userId, 0]))
  await Promise.all(others.map(async userId => {
    const ws = new WebSocket(parley.wsUrl, { headers: { authorization: `Bearer ${parley.token(userId)}` } })
    t.teardown(() => ws.terminate())
    ws.on('message', (data: Buffer) => { if (data.toString('latin1', 0, 26) === '{"type":"message_received"') received.set(userId, received.get(userId)! + 1) })
    await once(ws, 'message')
  }))
  const before = new Set(parley.app.websocketServer.clients)
  let socket: WebSocket | undefined
  const Stoppable = class extends WebSocket {
    constructor (url: string, protocols: string[]) {
      super(url, protocols)
      socket = this
    }
  } as unknown as NonNullable<ClientOptions['WebSocket']>
  const slow = newClient(t, parley, 'slow', { WebSocket: Stoppable, clock: { after: systemClock.after, random: () => 0.01 } })
  const codes: number[] = []
  slow.on('closed', code => codes.push(code))
  slow.start()
  await slow.whenSynced()
  const [serverSide] = [...parley.app.websocketServer.clients].filter(each => !before.has(each)) as [WebSocket]
  socket?.pause()

  // How much the network takes is not ours to say: that much goes to nobody else.
  while (serverSide.bufferedAmount < MIB / 2) await Promise.all(Array.from({ length: 8 }, () => send(parley, 'owner', aside, CONTENT)))
  const cut = once(serverSide, 'close')
  let [most, sent] = [0, 0]
  while (serverSide.readyState === serverSide.OPEN) {
    await send(parley, 'owner', chatId, CONTENT)
    sent++
    most = Math.max(most, serverSide.bufferedAmount)
  }
  await cut
  t.ok(most <= MIB + 2 * FRAME_BYTES, `no more is kept than the limit and what came last: ${most}`)
  t.notOk(parley.app.hub.roster.connectedUsers.includes('slow'), 'and nothing once it is cut')
  await send(parley, 'owner', chatId, 'when they are gone')
  while ([...received.values()].some(count => count <= sent)) await new Promise(resolve => setTimeout(resolve, 10))
  t.strictSame(new Set(received.values()), new Set([sent + 1]), 'everybody else gets everything, once')
  t.equal(Math.max(...[...parley.app.websocketServer.clients].map(each => each.bufferedAmount)), 0, 'nothing is kept for them')

  t.strictSame(codes, [], 'who does not read does not know')
  socket?.resume()
  await sameAsServer(t, parley, 'slow', slow)
  t.match(codes, [/4002|1006/], 'they were sent away, and are back')
  t.equal(slow.state.chats.get(chatId)?.messages.get(slow.state.chats.get(chatId)?.head.lastSeq ?? 0)?.content, 'when they are gone')
})

t.end()
