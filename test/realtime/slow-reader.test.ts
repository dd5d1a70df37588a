// A client that takes nothing from the network: it is cut, and nobody else notices.
import { once } from 'node:events'
import t from 'tap'
import type { WebSocket } from 'ws'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { makeGroup } from '../helpers/world.ts'

const MIB = 1024 * 1024
/** As large as a message can be. */
const CONTENT = '語'.repeat(10_000)
const FRAME_BYTES = 31_000

t.test('a slow reader is cut when it owes more than the limit, and slows nobody', async t => {
  const parley = await startParley(t)
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  const before = new Set(parley.app.websocketServer.clients)
  const slow = await signIn(t, parley, 'carol')
  const [serverSide] = [...parley.app.websocketServer.clients].filter(socket => !before.has(socket)) as [WebSocket]
  slow.stopReading()

  const cut = once(serverSide, 'close')
  let most = 0
  let sent = 0
  // How much the network takes of it is not ours to say: send until it takes no more.
  while (serverSide.readyState === serverSide.OPEN && sent < 3_000) {
    await Promise.all(Array.from({ length: 20 }, () => alice.command('send_message', { chatId, content: CONTENT })))
    sent += 20
    most = Math.max(most, serverSide.bufferedAmount)
  }
  await cut
  t.ok(most > 256 * 1024, 'there was something to take')
  t.ok(most <= MIB + 21 * FRAME_BYTES, `no more than the limit and what one turn has added is kept for it: ${most}`)
  t.notOk(parley.app.hub.roster.connectedUsers.includes('carol'))
  for (let seq = 1; seq <= sent; seq++) await bob.next('message_received', ({ data }) => data.message.seq === seq)
  t.pass('the others got everything')
  t.equal((await signIn(t, parley, 'carol')).ws.readyState, slow.ws.OPEN, 'and the slow one may come back')
})

t.end()
