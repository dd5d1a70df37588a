#!/usr/bin/env node
/**
 * Stands in for Prisma's native schema engine, which has to be downloaded from outside the package registry, wherever that is not
 * installed. It speaks the same JSON-RPC over stdin and stdout, and knows the same `cli` sub-commands, on top of Prisma's own
 * WebAssembly build of that engine. So the stock `prisma migrate dev | deploy | status | diff` work offline.
 * prisma.config.ts chooses it through PRISMA_SCHEMA_ENGINE_BINARY.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import * as wasm from '@prisma/schema-engine-wasm/schema_engine_bg'
import { createSchema, MigrationAdapterFactory, runOnce, withDatabase } from './schema-engine-adapter.mjs'

/** JSON-RPC error code of the native engine for everything that the `data` of the error explains. */
const SEE_DATA = 4466
/** PostgreSQL's error code → Prisma's. Everything else is "cannot be reached". */
const PRISMA_CODES = { '3D000': 'P1003', '28P01': 'P1000', 28000: 'P1010', '42P04': 'P1009' }
/**
 * These start from the schema that the migrations make, which this build finds in its cache or not at all: only some other methods
 * have the shadow database to work it out, and leave it there.
 */
const STARTS_FROM_HISTORY = new Set(['evaluateDataLoss', 'createMigration'])

const { values, positionals } = parseArgs({
  options: { datasource: { type: 'string' }, datamodels: { type: 'string', multiple: true } },
  allowPositionals: true,
  strict: false, // the native engine has more options, of no use here
})
const { url, shadowDatabaseUrl } = values.datasource ? JSON.parse(values.datasource) : { url: process.env.DATABASE_URL }

if (positionals[0] === 'cli') await runDatabaseCommand(positionals[1])
else await serve()

/** Answers requests, one a line, until stdin ends. */
async function serve () {
  const engine = await startEngine()
  const send = message => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n')

  for await (const line of createInterface({ input: process.stdin })) {
    const { id, method, params } = JSON.parse(line)
    if (!method) continue // the answer to a `print` of ours
    try {
      if (STARTS_FROM_HISTORY.has(method)) await engine.devDiagnostic({ migrationsList: params.migrationsList, filters: params.filters })
      const result = await engine[method === 'getDatabaseVersion' ? 'version' : method](params)
      if (method === 'diff' && result.stdout) send({ id: `print-${id}`, method: 'print', params: { content: result.stdout } })
      send({ id, result: result ?? {} })
    } catch (error) {
      const data = { is_panic: false, message: error.message, error_code: error.code ?? null, meta: error.meta ?? null }
      send({ id, error: { code: SEE_DATA, message: 'An error happened. Check the data field for details.', data } })
    }
  }
}

async function startEngine () {
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm')
  const code = readFileSync(entry.replace(/\.js$/, '_bg.wasm'))
  const { instance } = await WebAssembly.instantiate(code, { './schema_engine_bg.js': wasm })
  wasm.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
  globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: message => process.stderr.write(message) }

  const datamodels = values.datamodels?.map(path => [path, readFileSync(path, 'utf8')])
  const factory = new MigrationAdapterFactory(url, shadowDatabaseUrl, schemaOf(url))
  return wasm.SchemaEngine.new({ datamodels }, () => {}, bindMigrationAwareSqlAdapterFactory(factory))
}

/** One command, told by the exit code; the reason goes to stderr as a line of the native engine's log. */
async function runDatabaseCommand (command) {
  const database = new URL(url).pathname.slice(1)
  const identifier = `"${database.replaceAll('"', '""')}"`
  const commands = {
    'can-connect-to-database': () => runOnce(url, createSchema(schemaOf(url))),
    'create-database': () => runOnce(withDatabase(url, 'postgres'), `CREATE DATABASE ${identifier}`),
    'drop-database': () => runOnce(withDatabase(url, 'postgres'), `DROP DATABASE IF EXISTS ${identifier}`),
  }
  const log = (level, fields) => {
    process.stderr.write(JSON.stringify({ level, timestamp: new Date().toISOString(), target: 'schema_engine::logger', fields }) + '\n')
  }
  log('INFO', { message: 'Starting schema engine CLI' }) // the caller skips the first line
  try {
    await commands[command]()
  } catch (error) {
    log('ERROR', { is_panic: false, error_code: PRISMA_CODES[error.code] ?? 'P1001', message: error.message, meta: null })
    process.exitCode = 1
  }
}

function schemaOf (databaseUrl) {
  return URL.parse(databaseUrl)?.searchParams.get('schema') ?? 'public'
}
