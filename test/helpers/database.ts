import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Test } from 'tap'
import { migrate } from '../../src/migrate.ts'

/** Where the databases of a run are made, and the migrated one that they are copied from; set by test/main.ts. */
const { TEST_SERVER, TEST_TEMPLATE } = process.env

/** A database with all migrations for this test alone, dropped after it. Its URL. */
export async function createDatabase (t: Pick<Test, 'after'>): Promise<string> {
  if (!TEST_SERVER || !TEST_TEMPLATE) throw new Error('There is no database server: run this file with npm test -- test/….test.ts')
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await onServer(TEST_SERVER, `CREATE DATABASE ${name} TEMPLATE ${TEST_TEMPLATE}`)
  t.after(() => onServer(TEST_SERVER, `DROP DATABASE ${name} WITH (FORCE)`))
  return databaseUrl(TEST_SERVER, name)
}

/** Makes the database that createDatabase copies, with the real migrations. Its name. */
export async function createTemplate (server: string): Promise<string> {
  const name = `template_${randomUUID().replaceAll('-', '')}`
  await onServer(server, `CREATE DATABASE ${name}`)
  await migrate({ url: databaseUrl(server, name), setting: 'DATABASE_URL', env: process.env })
  await onServer(server, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`) // a connection, autovacuum's too, would keep it from being copied
  return name
}

export async function dropDatabase (server: string, name: string): Promise<void> {
  await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`)
}

function databaseUrl (server: string, name: string): string {
  return Object.assign(new URL(server), { pathname: `/${name}` }).href
}

async function onServer (server: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
