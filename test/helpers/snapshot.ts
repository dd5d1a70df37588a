import type { FastifyInstance } from 'fastify'

/** Not of anybody's doing: leases come and go by themselves, a user's row mirrors the token that they came with, and what administrators try is written down. */
const OF_THEIR_OWN = ['presence_lease', 'user_presence', 'chat_user', 'audit_log']

/** All rows of the schema `chat`, by table. */
export async function snapshot ({ db: { pool } }: FastifyInstance): Promise<Record<string, unknown[]>> {
  const { rows: tables } = await pool.query<{ name: string }>("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'chat' AND tablename <> ALL ($1) ORDER BY 1", [OF_THEIR_OWN])
  const each = tables.map(({ name }) => {
    const rows = name === 'user_inbox' ? 'chat.user_inbox WHERE inbox_revision > 0' : `chat.${name}` // (an inbox comes with its user)
    return `SELECT '${name}' AS name, (SELECT coalesce(json_agg(r ORDER BY r::text), '[]') FROM (SELECT * FROM ${rows}) r) AS rows`
  })
  const { rows } = await pool.query<{ name: string, rows: unknown[] }>(each.join(' UNION ALL '))
  return Object.fromEntries(rows.map(({ name, rows }) => [name, rows]))
}
