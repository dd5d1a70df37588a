import { once } from 'node:events'
import t from 'tap'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'

t.test('who does not answer pings is taken for dead', async t => {
  const parley = await startParley(t, { HEARTBEAT_SECONDS: '0.3', SILENCE_SECONDS: '1.5' })
  const healthy = await signIn(t, parley, 'alice')
  const dead = await signIn(t, parley, 'bob', { autoPong: false })
  const gone = once(parley.app.hub.roster, 'gone')
  await once(dead.ws, 'ping')
  t.equal((await dead.closed).code, 1006, 'cut, without a goodbye that nobody would hear')
  await gone
  t.strictSame(parley.app.hub.roster.connectedUsers, ['alice'])
  t.match(await healthy.command('ping', {}), {}, 'who has only answered pings for longer is well')
})

t.test('who speaks is alive, whether or not they answer pings', async t => {
  const parley = await startParley(t, { HEARTBEAT_SECONDS: '0.3', SILENCE_SECONDS: '1.5' })
  const talking = await signIn(t, parley, 'alice', { autoPong: false })
  const dead = await signIn(t, parley, 'bob', { autoPong: false })
  while (dead.ws.readyState === dead.ws.OPEN) {
    await Promise.race([once(talking.ws, 'ping'), dead.closed])
    await talking.command('ping', {})
  }
  t.pass('and outlives who is silent')
})

t.end()
