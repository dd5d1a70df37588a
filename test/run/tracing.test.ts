// Traces, as a collector gets them.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { makeGroup, send } from '../helpers/world.ts'

/** OTLP's JSON, as far as it is looked at here. */
interface Attribute { key: string, value: { stringValue?: string, intValue?: number } }
interface Span { traceId: string, spanId: string, parentSpanId?: string, name: string, kind: number, attributes: Attribute[], links?: { traceId: string }[], status: { code?: number } }
interface Export { resourceSpans: { resource: { attributes: Attribute[] }, scopeSpans: { spans: Span[] }[] }[] }

const [SERVER, CLIENT] = [2, 3]
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'

const codeOf = (work: Promise<unknown>) => work.then(() => 'ok', ({ code }: { code: string }) => code)

const exports: Export[] = []
const paths = new Set<string | undefined>()
const collector = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    paths.add(request.url)
    exports.push(JSON.parse(Buffer.concat(chunks).toString()))
    response.setHeader('content-type', 'application/json').end('{}')
  })
}).listen(0, '127.0.0.1')
await once(collector, 'listening')
t.teardown(() => { collector.close() })

const parley = await startParley(t, { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`, OTEL_SERVICE_NAME: 'chat' })
const chatId = await makeGroup(parley, 'alice', ['bob'])
const alice = await signIn(t, parley, 'alice')
await Promise.all([1, 2, 3].map(n => alice.command('send_message', { chatId, content: `secret ${n}` })))
const refused = [await codeOf(alice.command('edit_message', { messageId: `${chatId}.99`, content: 'secret' })), await codeOf(alice.request({ id: 'x', type: 'made_up' }))]
await send(parley, 'alice', chatId, 'secret, by REST')
const headers = { authorization: `Bearer ${parley.token('alice')}`, traceparent: `00-${TRACE}-${CALLER}-01` }
await (await fetch(`${parley.url}/api/v1/chat/search?q=secret`, { headers })).text()
await (await fetch(`${parley.url}/health/ready`)).text()
await parley.app.close()

const spans = exports.flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
const named = (name: string) => spans.filter(span => span.name === name)
const below = (span: Span): Span[] => spans.filter(({ parentSpanId }) => parentSpanId === span.spanId).flatMap(child => [child, ...below(child)])
const attribute = ({ attributes }: { attributes: Attribute[] }, name: string) => attributes.find(({ key }) => key === name)?.value.stringValue
const sqlOf = (span: Span) => below(span).filter(child => child.kind === CLIENT && attribute(child, 'db.system.name') === 'postgresql').map(({ name }) => name)

t.test('a command is a span, and its SQL is below it', t => {
  const sends = named('send_message')
  t.equal(sends.length, 3)
  for (const { kind, parentSpanId } of sends) t.match([kind, parentSpanId || undefined], [SERVER, undefined])
  t.equal(new Set(sends.map(({ traceId }) => traceId)).size, 3, 'each command has a trace of its own')
  const batches = sends.flatMap(below).filter(({ name }) => name === 'messages')
  t.ok(batches.length > 0)
  for (const batch of batches) t.ok(sqlOf(batch).includes('messages.sendMessages'), 'the statement is below the batch')
  const linked = batches.flatMap(({ traceId, links = [] }) => [traceId, ...links.map(({ traceId }) => traceId)])
  t.strictSame(new Set(linked), new Set(sends.map(({ traceId }) => traceId)), 'who is in another one\'s batch is linked to')
  t.end()
})

t.test('what fails says how; what is made up has no name', t => {
  t.strictSame(refused, ['MESSAGE_NOT_FOUND', 'UNKNOWN_COMMAND'])
  const [edit] = named('edit_message')
  t.equal(attribute(edit!, 'error.type'), 'MESSAGE_NOT_FOUND')
  t.ok(sqlOf(edit!).includes('transaction'))
  t.notOk(edit!.status.code, 'it is no fault of the server')
  t.equal(attribute(named('unknown')[0]!, 'error.type'), 'UNKNOWN_COMMAND')
  t.end()
})

t.test('a request is a span, and its SQL is below it, also when it has a body', t => {
  const [post] = named('POST /api/v1/chat/sessions/:chatId/messages')
  t.equal(post?.kind, SERVER)
  t.ok(sqlOf(post!).includes('messages.sendMessages'))
  const [search] = named('GET /api/v1/chat/search')
  t.match(search, { traceId: TRACE, parentSpanId: CALLER }, 'the caller\'s trace goes on')
  t.ok(sqlOf(search!).length > 0)
  t.equal(attribute(search!, 'url.path'), '/api/v1/chat/search')
  t.end()
})

t.test('whose they are; and nothing of what people say', t => {
  for (const { resourceSpans } of exports) for (const { resource } of resourceSpans) t.equal(attribute(resource, 'service.name'), 'chat')
  t.strictSame(paths, new Set(['/v1/traces']))
  t.notMatch(JSON.stringify(exports), /secret/)
  t.strictSame(named('GET /health/ready'), [])
  t.end()
})

t.end()
