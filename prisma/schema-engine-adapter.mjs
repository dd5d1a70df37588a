import pg from 'pg'
import { PrismaPg } from '@prisma/adapter-pg'
import { ColumnTypeEnum } from '@prisma/driver-adapter-utils'

/** Object ids of types in pg_type. */
const CHAR = 18 // PostgreSQL's own "char", a single byte
const BPCHAR = 1042

/**
 * Prisma's PostgreSQL adapter, made fit for migrations:
 * - everything happens in the schema of the URL's `?schema=`;
 * - scripts go to the server whole (the stock adapter cuts them at every semicolon, also inside a function's body), and so run in
 *   one transaction, as with the native engine;
 * - the shadow database has that schema, may be a given one, and is dropped after its connections, not before;
 * - pg_catalog can be read, whose "char" columns the stock adapter does not know.
 */
export class MigrationAdapterFactory extends PrismaPg {
  #url
  #shadowUrl
  #schema

  constructor (url, shadowUrl, schema) {
    super(poolConfig(url, schema), { schema })
    this.#url = url
    this.#shadowUrl = shadowUrl
    this.#schema = schema
  }

  async connect () {
    return fit(await super.connect())
  }

  async connectToShadowDb () {
    if (this.#shadowUrl) {
      await runOnce(this.#shadowUrl, `DROP SCHEMA IF EXISTS ${pg.escapeIdentifier(this.#schema)} CASCADE`)
      return this.#connectTo(this.#shadowUrl)
    }
    const name = `prisma_migrate_shadow_db_${crypto.randomUUID()}`
    await runOnce(this.#url, `CREATE DATABASE ${pg.escapeIdentifier(name)}`)
    const shadow = await this.#connectTo(withDatabase(this.#url, name))
    const disconnect = shadow.dispose.bind(shadow)
    shadow.dispose = async () => {
      await disconnect()
      await runOnce(this.#url, `DROP DATABASE ${pg.escapeIdentifier(name)}`)
    }
    return shadow
  }

  async #connectTo (url) {
    await runOnce(url, createSchema(this.#schema))
    return fit(await new PrismaPg(poolConfig(url, this.#schema), { schema: this.#schema }).connect())
  }
}

export function createSchema (schema) {
  return `CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(schema)}`
}

export function withDatabase (url, database) {
  return Object.assign(new URL(url), { pathname: `/${database}` }).href
}

/** Runs a statement on a connection of its own. */
export async function runOnce (connectionString, sql) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

function poolConfig (connectionString, schema) {
  return { connectionString, options: `-c search_path=${pg.escapeIdentifier(schema)}`, allowExitOnIdle: true }
}

function fit (connection) {
  const pool = connection.underlyingDriver()
  connection.executeScript = async script => {
    try {
      await pool.query(script)
    } catch (error) {
      connection.onError(error)
    }
  }
  return withCharColumns(connection)
}

/** Lets "char" pass as bpchar, then tells the engine that the column is a character. */
function withCharColumns (queryable) {
  const performIO = queryable.performIO.bind(queryable)
  const queryRaw = queryable.queryRaw.bind(queryable)
  let isChar = []
  queryable.performIO = async query => {
    const { rows, rowCount, fields = [] } = await performIO(query)
    isChar = fields.map(field => field.dataTypeID === CHAR)
    return { rows, rowCount, fields: fields.map((field, i) => isChar[i] ? { name: field.name, dataTypeID: BPCHAR } : field) }
  }
  queryable.queryRaw = async query => {
    const result = await queryRaw(query)
    isChar.forEach((yes, i) => { if (yes) result.columnTypes[i] = ColumnTypeEnum.Character })
    return result
  }
  if (queryable.startTransaction) {
    const start = queryable.startTransaction.bind(queryable)
    queryable.startTransaction = async (...args) => withCharColumns(await start(...args))
  }
  return queryable
}
