import pg from 'pg'
import type { Probe } from '../../src/search/grams.ts'
import type { Stage } from './stage.ts'

/** The plans of the statements inside chat.search_scan, each once, as auto_explain sees them (it comes with PostgreSQL). */
export async function explainScan ({ databaseUrl }: Stage, userId: string, chatIds: string[], terms: string[], probes: Probe[]): Promise<string> {
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
    const { rows: [row] } = await client.query(`SELECT count(*)::integer AS hits FROM (SELECT array_agg(h.chat_id) AS ids, array_agg(1) AS low, array_agg(h.last_seq + 1) AS below FROM chat.chat_head h WHERE h.chat_id = ANY ($2)) a
      CROSS JOIN LATERAL chat.search_scan($1, '{}', a.ids, a.low, a.low, a.below, $3, $4, $5, NULL, NULL, NULL, 51) s WHERE s.score IS NOT NULL`,
    [userId, chatIds, terms.map(term => `%${term}%`), probes.flatMap(({ bits }) => bits), probes.map(({ part }) => part)])
    return [`${row.hits} hits, up to 51 and the rest of a block in each chat`, ...[...plans].map(([query, plan]) => `${query.replace(/\s+/g, ' ').slice(0, 160)} …\n${plan}`)].join('\n')
  } finally {
    await client.end()
  }
}
