// What keeps Parley from starting is told in one line that names the setting.
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { createDatabase } from '../helpers/database.ts'
import { dataFolder, ParleyProcess } from '../helpers/process.ts'

const JWT_SECRET = 'a secret of thirty-two bytes, yes'

t.test('with DATABASE_URL it uses that server, and never touches the embedded one', async t => {
  const dataDir = await dataFolder(t)
  const parley = new ParleyProcess(t, { DATA_DIR: dataDir, DATABASE_URL: await createDatabase(t), JWT_SECRET })
  const [, port] = await parley.printed(/Server listening at http:\/\/[^:]+:(\d+)/)
  t.equal((await fetch(`http://localhost:${port}/health/ready`)).status, 200)
  t.same(await readdir(dataDir), [])
  t.notMatch(parley.stdout, /wscat/, 'no tokens: this is not development')

  parley.terminate()
  t.match(await parley.exited, { code: 0 })
  t.equal(parley.stderr, '')
})

t.test('what is wrong is told in one line', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => { taken.close() })
  const PORT = String((taken.address() as AddressInfo).port)
  const database = await createDatabase(t)
  const stranger = Object.assign(new URL(database), { password: 'wrong' }).href

  const cases: [Record<string, string>, RegExp][] = [
    [{ PORT }, new RegExp(`^PORT: ${PORT} is in use`)],
    [{ PORT: 'http' }, /^PORT must be a whole number/],
    [{ HOST: '192.0.2.1' }, /^HOST: 192\.0\.2\.1 is not an address of this machine/],
    [{ DATABASE_URL: 'postgresql://u:hunter2@127.0.0.1:1/x', JWT_SECRET }, /^DATABASE_URL: cannot connect to 127\.0\.0\.1:1\/x/],
    [{ DATABASE_URL: database, DATABASE_DIRECT_URL: 'postgresql://u:hunter2@127.0.0.1:1/x', JWT_SECRET }, /^DATABASE_DIRECT_URL: cannot connect/],
    [{ DATABASE_URL: stranger, JWT_SECRET }, /^DATABASE_URL: cannot connect to .*authentication failed/],
    [{ DATA_DIR: '/dev/null/data' }, /^DATA_DIR: /],
  ]
  await Promise.all(cases.map(async ([settings, line]) => {
    const dataDir = await dataFolder(t)
    const parley = new ParleyProcess(t, { DATA_DIR: dataDir, ...settings })
    t.match(await parley.exited, { code: 1 })
    t.match(parley.stderr, line)
    t.match(parley.stderr, /^[^\n]+\n$/, 'one line')
    t.notMatch(parley.stderr, 'hunter2')
    t.equal(parley.stdout, '')
    t.same(await readdir(dataDir), [], 'and nothing was started')
  }))
})

t.test('several faults take a line each', async t => {
  const parley = new ParleyProcess(t, { PORT: 'x', LOG_LEVEL: 'x' })
  t.match(await parley.exited, { code: 1 })
  t.match(parley.stderr, /^PORT [^\n]+\nLOG_LEVEL [^\n]+\n$/)
})
