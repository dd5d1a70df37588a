// Runs the tests: `npm test`, or some of them with `npm test -- test/messages/send.test.ts`; more arguments go to tap.
// They share one PostgreSQL. Each makes databases of its own in it, copies of one that has been migrated here. The last line is the count.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { createTemplate, dropDatabase } from './helpers/database.ts'
import { Report } from './helpers/report.ts'
import { startServer } from './helpers/server.ts'

/** Each file is a process that loads the whole system: reading the same modules once more is a fifth of its work. */
const COMPILED = resolve('.tap/compiled')

const report = new Report(console.log)
const server = await startServer(process.env)
try {
  console.log(`Tests on ${server.name}`)
  const template = await createTemplate(server.url)
  process.exitCode = await runTap({ NODE_COMPILE_CACHE: COMPILED, ...process.env, TEST_SERVER: server.url, TEST_TEMPLATE: template })
  await dropDatabase(server.url, template)
} finally {
  await server.stop()
}
console.log(`${report.passed} passed, ${report.failed} failed`)

async function runTap (env: NodeJS.ProcessEnv): Promise<number> {
  const tap = spawn('tap', ['--reporter=tap', ...process.argv.slice(2)], { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  // tap would not let itself be interrupted; so it has a process group of its own, which ends as a whole.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.kill(-tap.pid!, signal))
  createInterface({ input: tap.stdout }).on('line', line => report.line(line))
  const [code] = await once(tap, 'close')
  return code ?? 1
}
