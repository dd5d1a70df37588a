// Another connection to the database of a server: somebody who holds locks, looks at rows, or writes behind the server's back.
import pg from 'pg'
import type { Test } from 'tap'
import type { Parley } from './parley.ts'

export class Sql {
  readonly client: pg.Client

  constructor (client: pg.Client) {
    this.client = client
  }

  async rows<Row extends pg.QueryResultRow> (text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.client.query<Row>(text, values)).rows
  }

  async row<Row extends pg.QueryResultRow> (text: string, values: unknown[] = []): Promise<Row> {
    const [row] = await this.rows<Row>(text, values)
    if (!row) throw new Error(`No row: ${text}`)
    return row
  }

  /** Until the database says so: for what happens there and tells nobody. */
  async until (text: string, values: unknown[] = []): Promise<void> {
    while (!(await this.row<{ done: boolean }>(`SELECT (${text}) AS done`, values)).done) {
      // asked again at once: each question is a round trip
    }
  }
}

export async function connectSql (t: Pick<Test, 'teardown'>, { databaseUrl }: Pick<Parley, 'databaseUrl'>): Promise<Sql> {
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => {}) // its database is dropped, or its backend killed, when it is done
  await client.connect()
  t.teardown(() => client.end().catch(() => {}))
  return new Sql(client)
}
