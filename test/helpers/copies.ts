// What took many requests to make, once more under other names: its rows, copied.
import type { FastifyInstance } from 'fastify'
import { v7 as uuid } from 'uuid'

type Tables = Record<string, string[]>

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
/** Whoever makes something adds this to all names of users, and other keys of their own: it tells whose it is. */
const MARK = /-w\d+\b/g

let marks = 0

/** A mark that nobody has. */
export function newMark (): string {
  return `-w${++marks}`
}

/** Rows of the schema `chat`, as JSON. */
export class Rows {
  readonly #tables: Tables

  constructor (tables: Tables) {
    this.#tables = tables
  }

  /** All that are there; without those that were there before. */
  static async read ({ db: { pool } }: FastifyInstance, before = new Rows({})): Promise<Rows> {
    const { rows: names } = await pool.query<{ name: string }>("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'chat' AND tablename NOT IN ('meta', '_prisma_migrations')")
    const { rows } = await pool.query<{ name: string, rows: string[] }>(
      names.map(({ name }) => `SELECT '${name}' AS name, array(SELECT row_to_json(r)::text FROM chat.${name} r) AS rows`).join(' UNION ALL '))
    const isNew = (name: string, row: string) => !before.#tables[name]?.includes(row)
    return new Rows(Object.fromEntries(rows.map(({ name, rows }) => [name, rows.filter(row => isNew(name, row))])))
  }

  /**
   * Puts them in once more, with this mark and other ids, which have the order of the old ones.
   * @returns the same for text in which they are named
   */
  async copy ({ db: { pool } }: FastifyInstance, mark: string): Promise<(text: string) => string> {
    const ids = new Map([...new Set(JSON.stringify(this.#tables).match(UUID))].sort().map(id => [id, uuid()]))
    const renamed = (text: string) => text.replace(MARK, mark).replace(UUID, id => ids.get(id) ?? id)
    const tables = Object.entries(this.#tables).filter(([, rows]) => rows.length > 0)
    const client = await pool.connect()
    try {
      await client.query("BEGIN; SET LOCAL session_replication_role = 'replica'") // whole as it is: no trigger has anything to add, and no key anything to say
      for (const [name, rows] of tables) await client.query(`INSERT INTO chat.${name} SELECT * FROM json_populate_recordset(NULL::chat.${name}, $1)`, [renamed(`[${rows.join()}]`)])
      await client.query('COMMIT')
    } finally {
      client.release()
    }
    return renamed
  }
}
