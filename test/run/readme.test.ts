// The commands of the README are run by tests, and what docs/coming-from.md names is there.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { commands, events } from '../../src/contract.ts'
import { routesOf } from '../helpers/contract.ts'
import { JWT_SECRET, startParley } from '../helpers/parley.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Who runs what; "here": below. In the file that is named there stands what follows. */
const RUN_BY: Record<string, 'here' | [file: string, words: string]> = {
  'make run': ['test/helpers/process.ts', "spawn('npm', ['start', '--silent']"], // which is what make calls
  'npm start': ['test/helpers/process.ts', "spawn('npm', ['start', '--silent']"],
  'make cluster': ['test/run/cluster.test.ts', 'make cluster'],
  'npm run token -- carol': 'here',
  'TOKEN=$(npm run --silent token -- alice)': 'here',
  'curl -s -H "Authorization: Bearer $TOKEN" -H \'Content-Type: application/json\' \\': 'here',
  "-d '{\"targetUserId\":\"bob\",\"content\":\"Hello\",\"clientMessageId\":\"my-key-1\"}' http://localhost:3000/api/v1/chat/messages": 'here',
  'curl -s -H "Authorization: Bearer $TOKEN" http://localhost:3000/api/v1/chat/sessions': 'here',
  'npx parley doctor': ['test/run/cli.test.ts', "parley(['doctor']"],
  'npx parley --help': ['test/run/cli.test.ts', "parley(['--help'])"],
  'npx parley migrate': ['test/run/cli.test.ts', "parley(['migrate']"],
  'node bin/parley.js doctor': ['test/run/cli.test.ts', "absolute('bin/parley.js')"],
  'npm run epoch': ['test/faults/epoch.test.ts', "'epoch', '--'"],
  'DATABASE_URL=… npm run epoch -- --new': ['test/faults/epoch.test.ts', "'--new'"],
  "DATABASE_URL='postgresql://…?schema=chat' npx prisma migrate deploy": ['test/run/schema-engine.test.ts', "'deploy'"],
  'npm run bench': ['test/bench/main.ts', 'npm run bench'], // it takes minutes
  'make test': ['.ci/run', 'make test'],
  'PG_MAJOR=15 make test': ['test/helpers/server.ts', 'PG_MAJOR'],
  'npm test -- test/messages/send.test.ts': ['test/main.ts', 'npm test --'],
  // Nothing here can run containers; what they run is `node src/server.ts`.
  'make clean-data': ['Makefile', 'clean-data:'],
  'JWT_SECRET=$(openssl rand -hex 32) docker compose up --build': ['docker-compose.yml', 'docker compose up --build'],
  'docker compose --profile scale up --build balancer': ['docker-compose.yml', 'docker compose --profile scale up --build balancer'],
}

const readme = read('README.md')
const blocks = [...readme.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, lines = '']) => lines)
const inBlocks = blocks.flatMap(block => block.split('\n').map(line => line.trim()).filter(Boolean))
const inText = [...readme.replace(/^```[^]*?^```/gm, '').matchAll(/`((?:[A-Z_]+=\S* )?(?:npm|npx|make|docker|node) [^`]+)`/g)].map(([, command = '']) => command)

t.test('every command has a test that runs it', async t => {
  t.ok(inBlocks.length >= 5 && inText.length >= 5, 'they are found')
  for (const line of new Set([...inBlocks, ...inText])) {
    const by = RUN_BY[line]
    if (t.ok(by, line) && by && by !== 'here') t.ok(read(by[0]).includes(by[1]), `${by[0]} has ${by[1]}`)
  }
  t.strictSame(Object.keys(RUN_BY).filter(line => ![...inBlocks, ...inText].includes(line)), [], 'nothing that it does not say any more')
})

const { app, url } = await startParley(t)

t.test('what it says of a first try works as it is written', async t => {
  const script = blocks.find(block => block.startsWith('TOKEN='))!.replaceAll('http://localhost:3000', url)
  const { stdout, stderr } = await new Promise<{ stdout: string, stderr: string }>(resolve => {
    const env = { ...process.env, JWT_SECRET, JWT_PUBLIC_KEY: '', JWKS_URL: '', DATABASE_URL: '' }
    execFile('bash', ['-euc', `npm run --silent token -- carol; ${script}`], { cwd: ROOT, env }, (_error, stdout, stderr) => resolve({ stdout, stderr }))
  })
  if (/curl: (command )?not found/.test(stderr)) return t.comment('there is no curl')
  const [carol = '', ...answers] = stdout.split('\n')
  t.match(carol, /^[\w-]+\.[\w-]+\.[\w-]+$/)
  t.match(answers.join('\n'), /"content":"Hello".*"clientMessageId":"my-key-1".*\{"data":\[\{"chat":/s, stderr)
})

t.test('what docs/coming-from.md sends people to is there', async t => {
  const routes = new Set(routesOf(app).map(({ name }) => name))
  const names = new Set([...Object.keys(commands), ...Object.keys(events), ...Object.values(commands).map(({ reply }) => reply)])
  const rows = read('docs/coming-from.md').split('\n').filter(line => line.startsWith('| `')).map(line => line.split('|').at(2) ?? '')
  t.ok(rows.length > 50)
  for (const name of rows.flatMap(row => [...row.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))) {
    if (name.includes(' /')) t.ok(routes.has(name.replace(/:(\w+)/g, '{$1}')), name)
    else if (/^[a-z]+(_[a-z]+)+$/.test(name)) t.ok(names.has(name), name)
  }
})

t.end()
