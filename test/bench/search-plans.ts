import pg from 'pg'
import { drawerOf, partOf, wordOf } from '../../src/search/postings.ts'
import { TOP } from '../../src/search/segments.ts'
import type { Stage } from './stage.ts'

/** The plans of the statements inside chat.search_candidates, each once, as auto_explain sees them (it comes with PostgreSQL). */
export async function explainSearch ({ databaseUrl }: Stage, chatIds: string[], terms: string[], probes: number[]): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl })
  const plans = new Map<string, string>()
  client.on('notice', ({ message = '' }) => {
    const [, query, plan] = /Query Text: ([\s\S]*?)\n(\S[\s\S]*)$/.exec(message) ?? []
    if (query && plan && !query.startsWith('SELECT count')) plans.set(query.trim(), plan)
  })
  await client.connect()
  try {
    await client.query(`LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET auto_explain.log_analyze = on;
      SET auto_explain.log_buffers = on; SET client_min_messages = log`)
    const { rows: [row] } = await client.query(`SELECT count(*)::integer AS count FROM (SELECT array_agg(h.chat_id) AS ids, array_agg(1) AS low, array_agg(h.last_seq + 1) AS below FROM chat.chat_head h WHERE h.chat_id = ANY ($1)) a
      CROSS JOIN LATERAL chat.search_candidates(a.ids, a.low, a.below, $2, $3, $4, $5) s`, [chatIds, probes.map(probe => partOf(probe, TOP)), probes.map(drawerOf), probes.map(wordOf), terms.map(term => `%${term}%`)])
    return [`${row.count} segments that have all keys, and messages that are in none`, ...[...plans].map(([query, plan]) => `${query.replace(/\s+/g, ' ').slice(0, 160)} …\n${plan}`)].join('\n')
  } finally {
    await client.end()
  }
}
