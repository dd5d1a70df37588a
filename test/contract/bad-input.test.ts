// Whatever a client says: a typed error, or the close code that fits; never a 500, never a crash, nothing half written.
import { createConnection } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { startParley } from '../helpers/parley.ts'
import { assertError, PREFIX } from '../helpers/contract.ts'
import { snapshot } from '../helpers/snapshot.ts'
import { callRoute, connect, rest, signIn, type Input, type Wire } from '../helpers/wire.ts'
import { deep, MALFORMED, nested, TEXTS, TOO_LONG } from './bad-input.ts'
import { makeWorld, withRoles, type Person } from './world.ts'

/** Large enough for 200,000 levels of JSON to get as far as the parser. */
const MAX_BYTES = 2 * 1024 * 1024
const parley = withRoles(await startParley(t, { MAX_FRAME_BYTES: String(MAX_BYTES) }))
const world = await makeWorld(parley)
const { group } = world
const sockets = new Map<Person, Wire>()
for (const person of ['bob', 'fay', 'olga', 'gus'] as const) sockets.set(person, await signIn(parley, world.id(person)))
const socketOf = (person: Person) => sockets.get(person) as Wire
const tokenOf = (person: Person) => parley.token(world.id(person))
const messagesPath = `${PREFIX}/sessions/${group}/messages`

/** Nothing of it is kept, and the server goes on. */
function harmless (name: string, run: (t: Test) => Promise<void>): void {
  t.test(name, async t => {
    const before = await snapshot(parley.app)
    await run(t)
    t.strictSame(await snapshot(parley.app), before, 'nothing has been written')
    const { code } = await callRoute(parley, tokenOf('bob'), 'GET /sessions/{chatId}', { chatId: group })
    t.equal(code, null, 'the server still serves')
  })
}

for (const { route, command, as, good, bad } of MALFORMED) {
  harmless(`${route} and ${command}, malformed`, async t => {
    for (const each of bad) {
      const input = { ...good(world), ...each }
      const said = JSON.stringify(each).slice(0, 100)
      t.equal((await callRoute(parley, tokenOf(as), route, input)).code, 'VALIDATION_FAILED', `${said} by REST`)
      t.equal((await socketOf(as).command(command, input)).code, 'VALIDATION_FAILED', `${said} by WebSocket`)
    }
  })
}

harmless('what is not JSON, or not what JSON is taken for', async t => {
  const { arrays, objects } = deep(200_000)
  const bodies: Record<string, (chat: string) => string> = {
    'cut off': chat => `{${chat}"content":"hi"`,
    'a comma too much': chat => `{${chat}"content":"hi",}`,
    'single quotes': chat => `{${chat}'content':'hi'}`,
    'a number that is none': chat => `{${chat}"content":NaN}`,
    'a raw NUL': chat => `{${chat}"content":"a\0b"}`,
    'a number beyond numbers': chat => `{${chat}"content":"hi","metadata":{"n":-1e999}}`,
    null: () => 'null',
    'an array': () => '[]',
    text: () => '"text"',
    'a number': () => '1',
    '200,000 arrays': chat => `{${chat}"content":"hi","metadata":{"a":${arrays}}}`,
    '200,000 objects': chat => `{${chat}"content":"hi","metadata":${objects}}`,
    '200,000 arrays, and nothing else': () => arrays,
    '200,000 open arrays': () => arrays.slice(0, 200_000),
    __proto__: chat => `{${chat}"content":"hi","__proto__":{"type":"SYSTEM"}}`,
    'constructor.prototype': chat => `{${chat}"content":"hi","constructor":{"prototype":{"type":"SYSTEM"}}}`,
    'a lone surrogate': chat => `{${chat}"content":"\\udc00"}`,
    'an escaped NUL': chat => `{${chat}"content":"\\u0000"}`,
  }
  for (const [name, body] of Object.entries(bodies)) {
    t.equal((await rest(parley, 'POST', messagesPath, { token: tokenOf('bob'), body: body('') })).code, 'VALIDATION_FAILED', `${name} by REST`)
    const frame = `{"id":"bad","type":"send_message","data":${body(`"chatId":"${group}",`)}}`
    t.equal((await socketOf('bob').raw(frame, 'bad', 'send_message')).code, 'VALIDATION_FAILED', `${name} by WebSocket`)
  }
})

harmless('text that is not UTF-8', async t => {
  const body = Buffer.concat([Buffer.from('{"content":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')])
  t.equal((await rest(parley, 'POST', messagesPath, { token: tokenOf('bob'), body })).code, 'VALIDATION_FAILED')
  const wire = await signIn(parley, world.id('bob'))
  wire.send(body)
  t.equal((await wire.closed).code, 1007)
})

harmless('too much at once', async t => {
  const content = 'x'.repeat(MAX_BYTES)
  t.equal((await rest(parley, 'POST', messagesPath, { token: tokenOf('bob'), body: { content } })).code, 'TOO_LARGE')
  const wire = await signIn(parley, world.id('bob'))
  wire.send(JSON.stringify({ id: 1, type: 'send_message', data: { chatId: group, content } }))
  t.equal((await wire.closed).code, 1009)
  for (const [name, content] of Object.entries(TOO_LONG)) {
    t.equal((await callRoute(parley, tokenOf('bob'), 'POST /sessions/{chatId}/messages', { chatId: group, content })).code, 'VALIDATION_FAILED', `${name} by REST`)
    t.equal((await socketOf('bob').command('send_message', { chatId: group, content })).code, 'VALIDATION_FAILED', `${name} by WebSocket`)
  }
})

harmless('frames that are not of the protocol', async t => {
  const binary = await signIn(parley, world.id('bob'))
  binary.send('{"type":"ping"}', { binary: true })
  t.equal((await binary.closed).code, 4400, 'bytes')
  const unauthenticated = await connect(parley)
  unauthenticated.send(`{"type":"authenticate","data":{"token":"${'x'.repeat(8 * 1024)}"}}`)
  t.equal((await unauthenticated.closed).code, 4400, 'too much before it is known who is there')

  const wire = socketOf('bob')
  const refused: [frame: unknown, code: string][] = [
    ...['nothing', 'constructor', '__proto__', 'toString', 'SEND_MESSAGE', 'send_message ', 'message_received'].map((type): [unknown, string] => [{ id: 'bad', type }, 'UNKNOWN_COMMAND']),
    ...[{}, { type: '' }, { type: 1 }, { type: null }, { type: 'x'.repeat(65) }, { type: 'ping', data: [] }, { type: 'ping', data: 'x' }, { type: 'ping', unknown: 1 }].map((frame): [unknown, string] => [{ id: 'bad', ...frame }, 'VALIDATION_FAILED']),
    ...[[], null, 'ping', 1].map((frame): [unknown, string] => [frame, 'VALIDATION_FAILED']),
  ]
  for (const [frame, code] of refused) {
    const { re, ...answer } = await wire.raw(JSON.stringify(frame), 'bad')
    t.equal(answer.code, code, JSON.stringify(frame))
    t.equal(re, typeof frame === 'object' && frame !== null && 'id' in frame ? 'bad' : undefined, `${JSON.stringify(frame)}: says what it answers`)
  }
  for (const id of [0, -1, 2 ** 53 - 1, 'x'.repeat(64), '😀'.repeat(64), '"\\']) t.equal((await wire.raw(JSON.stringify({ id, type: 'ping' }), id, 'ping')).re, id, `the id ${id}`)
  for (const id of [1.5, '', 'x'.repeat(65), {}, [], null, true, 'a\0b', '\ud800']) {
    const { re, code } = await wire.raw(JSON.stringify({ id, type: 'ping' }))
    t.strictSame([re, code], [undefined, 'VALIDATION_FAILED'], `the id ${JSON.stringify(id)}`)
  }
})

harmless('numbers and texts of a URL', async t => {
  const queries = ['limit=', 'limit=1&limit=2', 'limit=١', 'before=1e999', 'before=-0.1', 'limit=1&__proto__=x', 'limit=1&constructor=x', 'unknown=1', 'senderId=%00', 'senderId=a&senderId=b', 'limit[]=1', '__proto__[limit]=1']
  for (const query of queries) t.equal((await rest(parley, 'GET', `${messagesPath}?${query}`, { token: tokenOf('bob') })).code, 'VALIDATION_FAILED', query)
  const paths: [path: string, code: string][] = [
    ['/users/%00', 'VALIDATION_FAILED'], ['/users/%0a', 'VALIDATION_FAILED'], [`/users/${'x'.repeat(129)}`, 'VALIDATION_FAILED'], ['/users/%ED%A0%80', 'ROUTE_NOT_FOUND'], ['/users/%zz', 'ROUTE_NOT_FOUND'],
    ['/users/%', 'ROUTE_NOT_FOUND'], [`/users/${'x'.repeat(2000)}`, 'VALIDATION_FAILED'], ['/sessions/x', 'VALIDATION_FAILED'], ['/messages/%00', 'VALIDATION_FAILED'], ['/users/..%2f..%2fme', 'USER_NOT_FOUND'],
    ['/nowhere', 'ROUTE_NOT_FOUND'], ['/sessions/', 'VALIDATION_FAILED'], ['/me/', 'ROUTE_NOT_FOUND'], ['//me', 'ROUTE_NOT_FOUND'], ['/ME', 'ROUTE_NOT_FOUND'],
  ]
  for (const [path, code] of paths) t.equal((await rest(parley, 'GET', PREFIX + path, { token: tokenOf('bob') })).code, code, path.slice(0, 100))
  for (const [method, path] of [['GET', '/'], ['POST', `${PREFIX}/me`], ['DELETE', `${PREFIX}/sessions`], ['PROPFIND', PREFIX]] as const) {
    t.equal((await rest(parley, method, path, { token: tokenOf('bob') })).code, 'ROUTE_NOT_FOUND', `${method} ${path}`)
  }
  t.equal((await rest(parley, 'OPTIONS', `${PREFIX}/me`)).status, 204, 'OPTIONS that is no preflight')
})

harmless('what is no HTTP, or too much of it', async t => {
  const requests: [request: string, status: number][] = [
    ['GET /api/v1/chat/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\0b\r\n\r\n', 400], ['GET /api/v1/chat/me HTTP/9.9\r\n\r\n', 400], ['hello\r\n\r\n', 400],
    [`GET /api/v1/chat/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'x'.repeat(20_000)}\r\n\r\n`, 413],
    ['POST /api/v1/chat/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ]
  for (const [request, status] of requests) {
    const socket = createConnection(Number(new URL(parley.url).port), '127.0.0.1')
    socket.write(request)
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
    t.match(head, new RegExp(`^HTTP/1.1 ${status} `), request.slice(0, 100))
    assertError(status, JSON.parse(body))
  }
})

harmless('bodies of another type', async t => {
  const types = ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/octet-stream', 'nonsense', 'application/jsonx', 'text/json']
  for (const type of types) {
    const { code } = await rest(parley, 'POST', messagesPath, { token: tokenOf('bob'), body: '{"content":"hi"}', headers: { 'content-type': type } })
    t.equal(code, 'VALIDATION_FAILED', type)
  }
})

t.test('texts come back as they went in', async t => {
  const witness = await signIn(parley, world.id('fay'))
  for (const [name, content] of Object.entries(TEXTS)) {
    const byRest = await callRoute(parley, tokenOf('bob'), 'POST /sessions/{chatId}/messages', { chatId: group, content })
    const bySocket = await socketOf('bob').command('send_message', { chatId: group, content })
    const { id: messageId } = bySocket.body.message as { id: string }
    const edited = await socketOf('bob').command('send_message', { chatId: group, content: 'to be edited' }).then(({ body }) =>
      callRoute(parley, tokenOf('bob'), 'PUT /messages/{messageId}', { messageId: (body.message as { id: string }).id, content }))
    const history = await callRoute(parley, tokenOf('fay'), 'GET /sessions/{chatId}/messages', { chatId: group, limit: 3 })
    const got = await socketOf('fay').command('get_messages', { messageId })
    const told = await witness.next(({ type, data }) => type === 'message_received' && (data as { message: { id: string } }).message.id === messageId)
    const contents = [byRest, bySocket, edited, got, { body: told.data as Input }].map(({ body }) => (body.message as { content: string }).content)
    const listed = (history.body.data as { content: string }[]).map(message => message.content)
    t.strictSame([...contents, ...listed], Array(8).fill(content), name)
  }
})

t.test('names, keys and metadata come back as they went in', async t => {
  for (const [name, text] of Object.entries(TEXTS).filter(([, text]) => text.length <= 64)) {
    const key = text.replaceAll(/[\r\n\u2028\u2029]/g, '') // a label's key is one line
    const values = { name: text, description: text, avatarUrl: text, labels: { [key]: text }, metadata: { [text]: [text, { [text]: text }], constructor: { prototype: { text } }, toString: null, hasOwnProperty: 1 } }
    const byRest = await callRoute(parley, tokenOf('olga'), 'PATCH /sessions/{chatId}', { chatId: group, ...values })
    const bySocket = await socketOf('olga').command('create_chat', { type: 'GROUP', participantIds: [], clientChatId: text, externalRef: text, ...values })
    for (const { body } of [byRest, bySocket]) t.match(body.chat, values, name)
    const sent = await socketOf('bob').command('send_message', { chatId: group, content: 'hi', metadata: values.metadata, clientMessageId: text })
    t.match(sent.body.message, { metadata: values.metadata, clientMessageId: text }, name)
  }
  t.equal(({} as Input).text, undefined, 'no prototype was reached')
})

t.test('users have whatever ids the application gives them', async t => {
  const userIds = ['😀'.repeat(128), 'שלום', 'a b/c?d#e%f+g&h=i', '../me', '.', '__proto__', 'constructor', 'a\u2028b\u2029c', '"\'`\\', '{userId}', 'a:b|c@d.e', ' ']
  for (const userId of userIds) {
    const name = encodeURIComponent(userId)
    const { body } = await callRoute(parley, tokenOf('bob'), 'POST /messages', { targetUserId: userId, content: 'hi' })
    const { chatId } = body.message as { chatId: string }
    const theirs = await callRoute(parley, parley.token(userId), 'GET /sessions/{chatId}', { chatId })
    t.equal((theirs.body.membership as Input).chatId, chatId, `${name} is in the chat`)
    t.ok(Object.hasOwn(theirs.body.users as object, userId), `${name} is named`)
    const wire = await signIn(parley, userId)
    t.equal((await wire.command('get_chat', { chatId })).code, null, `${name} by WebSocket`)
    if (userId !== '.') t.equal((await callRoute(parley, tokenOf('bob'), 'GET /users/{userId}', { userId })).body.id, userId, name) // (a URL cannot say ".")
    await wire.close()
  }
})

t.test('at the limits, and still within them', async t => {
  const atLimit = { text: 'x'.repeat(8 * 1024 - '{"text":""}'.length) }
  for (const metadata of [atLimit, nested(8)]) {
    t.strictSame((await socketOf('bob').command('send_message', { chatId: group, content: 'hi', metadata })).body.message, metadata && (await callRoute(parley, tokenOf('bob'), 'GET /sessions/{chatId}/messages', { chatId: group, limit: 1 })).body.data?.[0 as never])
  }
  for (const seq of [0, 2 ** 31 - 1]) {
    for (const bound of ['before', 'after', 'around']) t.equal((await callRoute(parley, tokenOf('fay'), 'GET /sessions/{chatId}/messages', { chatId: group, [bound]: seq })).code, null, `${bound} ${seq}`)
  }
  for (const from of ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '2024-06-30T23:59:60Z', '2024-01-01T00:00:00-12:00', '2024-01-01T00:00:00.123456789+14:00']) {
    t.equal((await callRoute(parley, tokenOf('fay'), 'GET /sessions/{chatId}/messages', { chatId: group, before: 5, from, to: from })).code, null, from)
  }
})

t.test('ids in upper case are the same ids', async t => {
  const [chatId, messageId] = [group.toUpperCase(), world.late.toUpperCase()]
  for (const route of ['GET /sessions/{chatId}', 'GET /sessions/{chatId}/unread', 'GET /sessions/{chatId}/participants']) {
    t.equal(JSON.stringify((await callRoute(parley, tokenOf('bob'), route, { chatId })).body), JSON.stringify((await callRoute(parley, tokenOf('bob'), route, { chatId: group })).body), route)
  }
  const wire = socketOf('bob')
  const steps: [...Parameters<Wire['command']>][] = [
    ['send_message', { chatId, content: 'hi', replyToId: messageId }], ['edit_message', { messageId, content: 'edited' }], ['get_messages', { messageId }], ['get_receipts', { messageId }], ['join_chat', { chatId }], ['typing_start', { chatId }],
    ['typing_stop', { chatId }], ['leave_chat', { chatId }], ['mark_as_read', { chatId, messageIds: [messageId] }], ['changes', { chatId, since: 0 }], ['get_online_users', { chatId }], ['clear_chat', { chatId }], ['leave_membership', { chatId }],
  ]
  for (const [command, data] of steps) {
    const { code, body } = await wire.command(command, data)
    t.equal(code, null, `${command}: ${JSON.stringify(body).slice(0, 200)}`)
    t.notOk(JSON.stringify(body).includes(chatId), `${command} answers in lower case`)
  }
})

t.test('of a key that comes twice the last one counts', async t => {
  await world.call('olga', 'POST /sessions/{chatId}/participants', { chatId: group, userIds: [world.id('bob')] })
  const twice = '"content":"one","content":"two"'
  const byRest = await rest(parley, 'POST', messagesPath, { token: tokenOf('bob'), body: `{${twice}}` })
  const bySocket = await socketOf('bob').raw(`{"id":"twice","type":"ping","type":"send_message","data":{"chatId":"${group}",${twice}}}`, 'twice', 'send_message')
  for (const { body } of [byRest, bySocket]) t.match(body, { message: { content: 'two' } })
})
t.end()
