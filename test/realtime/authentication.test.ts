// The three ways to say who is there, and what happens to who cannot.
import { createSigner } from 'fast-jwt'
import t from 'tap'
import { WebSocket } from 'ws'
import { startParley, token } from '../helpers/parley.ts'
import { openSocket, signIn } from '../helpers/socket.ts'

const parley = await startParley(t, { CORS_ORIGINS: 'https://app.example' })
const secondsFromNow = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

t.test('by the Authorization header', async t => {
  const socket = await openSocket(t, parley, 'alice')
  const { data } = await socket.next('authenticated')
  t.match(data, { userId: 'alice', connectionId: String, epoch: String, inboxRevision: 0, heartbeatMs: 25_000, expiresAt: String, limits: { maxFrameBytes: 262_144, maxCommandsInFlight: 32, commandsPerSecond: 0 } })
})

t.test('by a subprotocol: the other one is selected, so that the token is not sent back', async t => {
  const socket = await openSocket(t, parley, 'alice', { token: null, protocols: ['parley.v1', `bearer.${token('alice')}`] })
  t.equal(socket.ws.protocol, 'parley.v1')
  t.match((await socket.next('authenticated')).data, { userId: 'alice' })

  const reversed = await openSocket(t, parley, 'alice', { token: null, protocols: [`bearer.${token('alice')}`, 'parley.v1'] })
  t.equal(reversed.ws.protocol, 'parley.v1', 'in whatever order they are offered')
})

t.test('by the first frame, which is answered as a command', async t => {
  const socket = await openSocket(t, parley, 'alice', { token: null })
  t.match(await socket.command('authenticate', { token: token('alice') }), { userId: 'alice' })
  t.match(await socket.command('get_chats', {}), { data: [] })
  t.strictSame(socket.events, [], 'and not as an event, too')
})

t.test('commands that are sent at once wait for the authentication', async t => {
  const ws = new WebSocket(parley.wsUrl)
  t.teardown(() => ws.terminate())
  const frames: { re: number, type: string }[] = []
  await new Promise<void>(resolve => {
    ws.on('message', raw => { if (frames.push(JSON.parse(String(raw))) === 2) resolve() })
    ws.on('open', () => {
      ws.send(JSON.stringify({ id: 1, type: 'authenticate', data: { token: token('alice') } }))
      ws.send(JSON.stringify({ id: 2, type: 'get_unread', data: {} }))
    })
  })
  t.strictSame(frames.map(({ re, type }) => [re, type]), [[1, 'authenticated'], [2, 'ok']])
})

t.test('what is no valid token closes the socket, and says why', async t => {
  const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${Buffer.from(`{"sub":"alice","exp":${secondsFromNow(60)}}`).toString('base64url')}.`
  const cases: [name: string, token: string, code: string, closeCode: number][] = [
    ['rubbish', 'rubbish', 'TOKEN_INVALID', 4401],
    ['expired', token('alice', { exp: secondsFromNow(-1) }), 'TOKEN_EXPIRED', 4101],
    ['signed by somebody else', createSigner({ key: 'another secret that is 32 bytes long, or more', algorithm: 'HS256' })({ sub: 'alice', exp: secondsFromNow(60) }), 'TOKEN_INVALID', 4401],
    ['unsigned', unsigned, 'TOKEN_INVALID', 4401],
    ['without an end', createSigner({ key: 'a secret for tests that is 32 bytes long, or more', algorithm: 'HS256' })({ sub: 'alice' }), 'TOKEN_INVALID', 4401],
  ]
  for (const [name, bad, code, closeCode] of cases) {
    const byHeader = await openSocket(t, parley, 'alice', { token: bad })
    t.match(await byHeader.next('error'), { error: { code } }, `${name}: as an event`)
    t.equal((await byHeader.closed).code, closeCode, `${name}: by header`)
    const byFrame = await openSocket(t, parley, 'alice', { token: null })
    await t.rejects(byFrame.command('authenticate', { token: bad }), { code }, `${name}: as the reply`)
    t.equal((await byFrame.closed).code, closeCode, `${name}: by frame`)
  }
})

t.test('the first frame has to be authenticate, small, and text', async t => {
  const cases: [name: string, frame: string | Buffer, closeCode: number][] = [
    ['another command', '{"id":1,"type":"get_chats","data":{}}', 4401],
    ['not JSON', 'hello', 4400],
    ['not a frame', '[]', 4400],
    ['no token', '{"id":1,"type":"authenticate","data":{}}', 4400],
    ['binary', Buffer.from('{"id":1,"type":"authenticate","data":{}}'), 4400],
    ['more than 8 KiB', JSON.stringify({ id: 1, type: 'authenticate', data: { token: token('alice', { padding: 'x'.repeat(8 * 1024) }) } }), 4400],
  ]
  for (const [name, frame, closeCode] of cases) {
    const socket = await openSocket(t, parley, 'alice', { token: null })
    socket.ws.send(frame)
    t.equal((await socket.closed).code, closeCode, name)
  }
})

t.test('an unknown subprotocol', async t => {
  const socket = await openSocket(t, parley, 'alice', { protocols: ['chat.v0'] })
  t.equal((await socket.closed).code, 4426)
})

t.test('a page may connect from the origins that are set, and from the server itself', async t => {
  for (const origin of ['https://app.example', parley.url]) {
    await t.resolves(signIn(t, parley, 'alice', { headers: { origin } }), origin)
  }
  for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'null', 'nonsense']) {
    await t.rejects(openSocket(t, parley, 'alice', { headers: { origin } }), { message: /403/ }, origin)
  }
})

t.test('who says nothing is closed after a while', async t => {
  const hasty = await startParley(t, { AUTH_TIMEOUT_SECONDS: '0.1' })
  const socket = await openSocket(t, hasty, 'alice', { token: null })
  t.equal((await socket.closed).code, 4401)
})

t.test('a token that never ends, as far as JSON can say', async t => {
  const socket = await signIn(t, parley, 'alice', { token: token('alice', { exp: Number.MAX_SAFE_INTEGER }) })
  t.match(await socket.command('ping', {}), {})
})

t.end()
