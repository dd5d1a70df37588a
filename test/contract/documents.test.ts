// The documents that others read: public linters find nothing, the examples are what the server would take and say, and no client that
// was written for the last release is broken. (`CONTRACTS=release npm test -- test/contract/documents.test.ts` makes them the last release.)
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import t, { type Test } from 'tap'
import asyncApiParser from '@asyncapi/parser'
import { commands, events } from '../../src/contract.ts'
import { closed, routesOf } from '../helpers/contract.ts'
import { startParley } from '../helpers/parley.ts'
import { breakingChanges } from './breaking.ts'
import { OPERATIONS } from './operations.ts'

type Json = Record<string, unknown>

const RELEASED = join(import.meta.dirname, '../../docs/contracts')

const { app, url } = await startParley(t)
const openApi = JSON.parse(await (await fetch(`${url}/openapi.json`)).text()) as Json
const asyncApi = JSON.parse(await (await fetch(`${url}/asyncapi.json`)).text()) as Json
const documents = { openapi: openApi, asyncapi: asyncApi }
if (process.env.CONTRACTS === 'release') for (const [name, document] of Object.entries(documents)) writeFileSync(join(RELEASED, `${name}.json`), `${JSON.stringify(document, null, 1)}\n`)

t.test('Redocly finds nothing in the OpenAPI document', async t => {
  t.equal(openApi.openapi, '3.1.0')
  const problems = await lintFromString({ source: JSON.stringify(openApi), absoluteRef: join(RELEASED, 'openapi.json'), config: await createConfig({ extends: ['recommended'] }) })
  t.strictSame(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`), [])
})

t.test('the parser of AsyncAPI finds nothing in the AsyncAPI document', async t => {
  t.equal(asyncApi.asyncapi, '3.0.0')
  // It writes out what each reference stands for, in each operation anew, which takes it 20 s. So it gets the document with the resources cut short, and these by themselves.
  const { schemas, ...components } = asyncApi.components as { schemas: Record<string, Json>, messages: Json }
  const short = Object.fromEntries(Object.keys(schemas).map(name => [name, { type: 'object' }]))
  const payload = { type: 'object', properties: Object.fromEntries(Object.keys(schemas).map(name => [name, { $ref: `#/components/schemas/${name}` }])) }
  await parses(t, { ...asyncApi, components: { ...components, schemas: short } })
  await parses(t, { asyncapi: '3.0.0', info: asyncApi.info, channels: { all: { address: '/', messages: { all: { payload } } } }, components: { schemas } })
})

async function parses (t: Test, parts: Json): Promise<void> {
  const { document, diagnostics } = await new asyncApiParser.Parser().parse(JSON.stringify(parts))
  t.ok(document, 'it is one')
  // 3.0 is what we promise: that there is a newer one is no fault of it.
  t.strictSame(diagnostics.filter(({ code }) => code !== 'asyncapi-latest-version').map(({ code, message, path }) => `${code}: ${message} ${path.join('/')}`), [])
}

t.test('every example is what its schema says, and nothing more', async t => {
  for (const [name, document] of Object.entries(documents)) {
    const ajv = new Ajv({ strict: false, validateSchema: false })
    addFormats.default(ajv, ['uuid', 'date-time', 'uri'])
    ajv.addSchema(closed(document) as Json, name)
    const examples = [...examplesIn(document, '#')]
    t.ok(examples.length > 50, `${name} has ${examples.length} examples`)
    for (const { pointer, value } of examples) {
      const validate = ajv.compile({ $ref: `${name}${pointer}` })
      if (!validate(value)) t.fail(`${name}${pointer}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`)
    }
  }
})

/** Every example with where its schema is: of media types, parameters and messages beside it, of schemas in them. Errors have one schema for all, closed elsewhere. */
function * examplesIn (value: unknown, pointer: string): Generator<{ pointer: string, value: unknown }> {
  if (typeof value !== 'object' || value === null) return
  const { example, examples, schema, payload } = value as Json
  if (example !== undefined && schema && !/responses\/[45]/.test(pointer)) yield { pointer: `${pointer}/schema`, value: example }
  for (const each of Array.isArray(examples) ? examples : []) yield payload ? { pointer: `${pointer}/payload`, value: (each as Json).payload } : { pointer, value: each }
  for (const [key, inner] of Object.entries(value)) if (!/^examples?$/.test(key)) yield * examplesIn(inner, `${pointer}/${encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))}`)
}

t.test('every operation has words, an id of its own, and its errors', async t => {
  const routes = routesOf(app)
  const operations = Object.values(openApi.paths as Record<string, Record<string, Json>>).flatMap(Object.values) as Json[]
  for (const { operationId, summary, tags, responses } of operations) {
    t.ok(summary && (tags as string[]).length === 1, `${operationId} has words`)
    t.notMatch(JSON.stringify(responses), /Default Response/, `${operationId} says what its answers mean`)
  }
  t.equal(new Set(routes.map(({ operationId }) => operationId)).size, operations.length, 'no id twice')
  for (const { route, command } of OPERATIONS) {
    const { errors = [] } = routes.find(({ name }) => name === route) ?? {}
    const missing = commands[command].errors.filter(code => !errors.includes(code))
    t.ok(missing.length < commands[command].errors.length || missing.length === 0, `${route} and ${command} are refused for the same`)
  }
  const names = Object.keys(asyncApi.operations as Json)
  t.strictSame(names.toSorted(), [...Object.keys(commands), ...Object.keys(events).map(name => `on_${name}`)].toSorted())
})

t.test('the references can be read, load nothing from elsewhere, and name every command and event', async t => {
  const page = await fetch(`${url}/docs/websocket`)
  const html = await page.text()
  t.match(page.headers.get('content-type'), 'text/html')
  t.match(page.headers.get('content-security-policy'), "default-src 'none'")
  for (const name of [...Object.keys(commands), ...Object.keys(events)]) t.ok(html.includes(`<code>${name}</code>`), name)
  t.notMatch(html, /<script|(src|href)="https?:/)
  const rest = await fetch(`${url}/docs/`)
  t.equal(rest.status, 200)
  const policy = rest.headers.get('content-security-policy') ?? ''
  t.match(policy, "script-src 'self'")
  t.notMatch(policy, /https?:|upgrade-insecure-requests/)
  t.notMatch(await rest.text(), /(src|href)="https?:/)
})

t.test('nothing breaks the clients of the last release, but what is marked', async t => {
  const marked = JSON.parse(readFileSync(join(RELEASED, 'breaking.json'), 'utf8')) as Record<string, string>
  const found = Object.entries(documents).flatMap(([name, document]) => {
    const file = join(RELEASED, `${name}.json`)
    t.ok(existsSync(file), file)
    return breakingChanges(JSON.parse(readFileSync(file, 'utf8')), document)
  })
  t.strictSame(found.filter(change => !marked[change]), [], 'to be marked in docs/contracts/breaking.json, with the reason; or better avoided')
  t.strictSame(Object.keys(marked).filter(change => !found.includes(change)), [], 'marks of what is not there any more')
})

t.end()
