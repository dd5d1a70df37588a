import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createDatabase } from '../helpers/database.ts'
import { prisma } from '../helpers/prisma.ts'

const EXTRA_MODEL = `
model Probe {
  id   Int    @id
  note String

  @@map("probe")
}
`

async function query (url: string, sql: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(sql)
  await client.end()
  return rows
}

/** What a DBA has: the project's schema, migrations and configuration, in a folder of their own to write in. */
async function copyOfProject (t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'parley-prisma-'))
  t.after(() => rm(dir, { recursive: true }))
  await cp('prisma', join(dir, 'prisma'), { recursive: true })
  await mkdir(join(dir, 'src', 'embedded'), { recursive: true })
  for (const file of ['prisma.config.ts', 'src/embedded/url.ts', 'package.json']) await cp(file, join(dir, file))
  await symlink(resolve('node_modules'), join(dir, 'node_modules'))
  return dir
}

const NO_DRIFT = ['migrate', 'diff', '--from-migrations', 'prisma/migrations', '--to-schema', 'prisma/schema.prisma', '--exit-code']

t.test('the migrations make what schema.prisma says', async t => {
  const databaseUrl = await createDatabase(t)
  const { code, output } = await prisma(NO_DRIFT, { databaseUrl })
  t.equal(code, 0, output)
  t.same(await query(databaseUrl, "SELECT datname FROM pg_database WHERE datname LIKE 'prisma_migrate_shadow%'"), [], 'no shadow database is left')
})

t.test('so does the database, with nothing to apply', async t => {
  const databaseUrl = await createDatabase(t)
  const status = await prisma(['migrate', 'status'], { databaseUrl })
  t.match(status, { code: 0, output: /Database schema is up to date/ })
  const diff = await prisma(['migrate', 'diff', '--from-config-datasource', '--to-schema', 'prisma/schema.prisma', '--exit-code'], { databaseUrl })
  t.match(diff, { code: 0, output: /No difference detected/ })
})

t.test('drift is seen', async t => {
  const databaseUrl = await createDatabase(t)
  const cwd = await copyOfProject(t)
  await appendFile(join(cwd, 'prisma', 'schema.prisma'), EXTRA_MODEL)
  const { code, output } = await prisma([...NO_DRIFT, '--script'], { databaseUrl, cwd })
  t.equal(code, 2)
  t.match(output, /CREATE TABLE "probe"/)
})

t.test('deploy applies everything, then nothing', async t => {
  const databaseUrl = await createDatabase(t)
  await query(databaseUrl, 'DROP SCHEMA chat CASCADE')
  const first = await prisma(['migrate', 'deploy'], { databaseUrl })
  t.match(first, { code: 0, output: /All migrations have been successfully applied/ })
  const second = await prisma(['migrate', 'deploy'], { databaseUrl })
  t.match(second, { code: 0, output: /No pending migrations to apply/ })
})

t.test('deploy creates a database that is not there', async t => {
  const databaseUrl = await createDatabase(t)
  const name = `${new URL(databaseUrl).pathname.slice(1)}_new`
  const missing = Object.assign(new URL(databaseUrl), { pathname: `/${name}` }).href
  t.match(await prisma(['migrate', 'deploy'], { databaseUrl: missing }), { code: 0 })
  await query(databaseUrl, `DROP DATABASE ${name}`)
})

t.test('dev writes a migration for a change of the schema, and applies it', async t => {
  const databaseUrl = await createDatabase(t)
  const cwd = await copyOfProject(t)
  await appendFile(join(cwd, 'prisma', 'schema.prisma'), EXTRA_MODEL)

  const draft = await prisma(['migrate', 'dev', '--create-only', '--name', 'probe'], { databaseUrl, cwd })
  t.equal(draft.code, 0, draft.output)
  const folder = (await readdir(join(cwd, 'prisma', 'migrations'))).find(name => name.endsWith('_probe'))
  t.match(await readFile(join(cwd, 'prisma', 'migrations', folder!, 'migration.sql'), 'utf8'), /^-- CreateTable\nCREATE TABLE "probe" \([^]*\);\s*$/)

  const applied = await prisma(['migrate', 'dev'], { databaseUrl, cwd })
  t.equal(applied.code, 0, applied.output)
  t.same(await query(databaseUrl, 'SELECT count(*)::int FROM chat.probe'), [{ count: 0 }])
})

t.test('a migration that fails says why, and is remembered as failed', async t => {
  const databaseUrl = await createDatabase(t)
  const cwd = await copyOfProject(t)
  const migration = join(cwd, 'prisma', 'migrations', '20991231000000_broken')
  await mkdir(migration)
  await appendFile(join(migration, 'migration.sql'), 'CREATE TABLE chat.half (id int);\nSELECT 1/0;')

  t.match(await prisma(['migrate', 'deploy'], { databaseUrl, cwd }), { code: 1, output: /division by zero[^]*20991231000000_broken/ })
  t.match(await prisma(['migrate', 'deploy'], { databaseUrl, cwd }), { code: 1, output: /P3009/ })
  t.same(await query(databaseUrl, "SELECT to_regclass('chat.half') AS half"), [{ half: null }], 'nothing of it stays')
  t.match(await prisma(['migrate', 'resolve', '--rolled-back', '20991231000000_broken'], { databaseUrl, cwd }), { code: 0 })
})

t.test('why it cannot connect is told by Prisma\'s codes', async () => {
  t.match(await prisma(['migrate', 'status'], { databaseUrl: 'postgresql://a:b@127.0.0.1:1/x' }), { code: 1, output: /P1001/ })
})
