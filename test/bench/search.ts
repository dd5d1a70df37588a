// How long a search takes over a million messages, for a member of 50 chats who could find any of them; alone, and while ten
// senders write to the same chats as fast as they are answered. --messages=N --queries=N --senders=N
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { text } from 'node:stream/consumers'
import { v7 as uuidv7 } from 'uuid'
import { probesOf } from '../../src/search/grams.ts'
import { indexNext } from '../../src/search/indexer.ts'
import { parseQuery } from '../../src/search/terms.ts'
import { fold } from '../../src/search/text.ts'
import { Corpus, type Script } from './corpus.ts'
import { percentile, type Figures } from './figures.ts'
import { explainSearch } from './search-plans.ts'
import type { Senders } from './search-senders.ts'
import { Stage } from './stage.ts'
import { startWorker } from './worker.ts'

const SEED = 20_261_121
const CHATS = 50
/** Of people who have nothing to do with the member: as many messages again in each hundred. */
const OTHER_CHATS = 1_000
const OTHER_MESSAGES = 200
const SENDERS = 8
const BATCH = 10_000
/** What issue 3 asks for. */
const BAR_MS = 50

export async function search (stage: Stage, figures: Figures, options: Record<string, string>): Promise<void> {
  const messages = Number(options.messages ?? 1_000_000)
  const corpus = new Corpus(SEED)
  const chats = Array.from({ length: CHATS }, () => uuidv7())
  await load(stage, figures, corpus, chats, messages)

  const url = await stage.serve()
  const searcher = new Searcher(url, stage.token('member'))
  const classes = queries(corpus, Number(options.queries ?? 500))
  for (const [name, qs] of Object.entries(classes).slice(0, 2)) await searcher.time(qs.slice(0, 20), name) // connections, plans, caches
  await measure(searcher, classes, figures, 'alone')

  const senders = await startWorker<Senders>('./search-senders.ts')
  try {
    await senders.ask('start', { url: Stage.socketUrl(url), tokens: Array.from({ length: Number(options.senders ?? 10) }, (_, n) => stage.token(`user${n % SENDERS}`)), chats, seed: SEED + 1 })
    const started = performance.now()
    await measure(searcher, classes, figures, 'with senders')
    figures.add('sends meanwhile', await senders.ask('stop', undefined) / (performance.now() - started) * 1000, '/s')
  } finally {
    await senders.stop()
  }
  searcher.close()

  for (const [name, qs] of Object.entries(classes)) {
    const terms = parseQuery(qs[0] ?? '')
    figures.say(`\nPlan: ${name}, ${qs[0]}\n${await explainSearch(stage, chats, terms, probesOf(terms))}`)
  }
}

/** By class. The words are those of the texts; a hit is not promised of the rare ones. */
export function queries (corpus: Corpus, count: number): Record<string, string[]> {
  const make = (query: () => string) => Array.from({ length: count }, query)
  const between = (script: Script, from: number, to: number) => corpus.word(script, from + Math.floor(corpus.random() * (Math.min(to, corpus.size(script)) - from)))
  const short = (script: Script) => Array.from(between(script, 0, 3_000)).slice(0, 1 + Math.floor(corpus.random() * 2)).join('')
  return {
    rare: make(() => between('latin', 10_000, 40_000)),
    middling: make(() => between('latin', 300, 3_000)),
    common: make(() => between('latin', 0, 50)),
    'two words': make(() => `${between('latin', 0, 300)} ${between('latin', 0, 3_000)}`),
    phrase: make(() => `"${between('latin', 0, 100)} ${between('latin', 0, 100)}"`),
    '1–2 characters': make(() => short(corpus.pick<Script>(['latin', 'cjk', 'arabic']))),
    CJK: make(() => between('cjk', 0, 10_000)),
    Arabic: make(() => between('arabic', 0, 10_000)),
    'no hit': make(() => Array.from({ length: 3 + Math.floor(corpus.random() * 8) }, () => corpus.pick([...'qxzjkwqy'])).join('')),
    'no hit, of common parts': make(() => `${between('latin', 0, 400)}${between('latin', 0, 400)}`),
  }
}

async function measure (searcher: Searcher, classes: Record<string, string[]>, figures: Figures, circumstances: string): Promise<void> {
  for (const [name, qs] of Object.entries(classes)) {
    const { times, found } = await searcher.time(qs, name)
    figures.add(`${name}, ${circumstances}: p50`, percentile(times, 0.5), 'ms')
    figures.add(`${name}, ${circumstances}: p95`, percentile(times, 0.95), 'ms', null, `≤ ${BAR_MS} ms`)
    figures.add(`${name}, ${circumstances}: longest`, Math.max(...times), 'ms')
    if (circumstances === 'alone') figures.add(`${name}: hits on the first page`, found / qs.length, 'a query')
  }
}

/** One search after the other, by REST, from the first byte asked to the last byte got. */
class Searcher {
  readonly #url: string
  readonly #token: string
  readonly #agent = new Agent({ keepAlive: true })

  constructor (url: string, token: string) {
    this.#url = url
    this.#token = token
  }

  async time (qs: string[], name: string): Promise<{ times: number[], found: number }> {
    const times: number[] = []
    let found = 0
    for (const q of qs) {
      const started = performance.now()
      const request = get(`${this.#url}/api/v1/chat/search?q=${encodeURIComponent(q)}`, { agent: this.#agent, headers: { authorization: `Bearer ${this.#token}` } })
      const [response] = await once(request, 'response')
      const body = await text(response)
      times.push(performance.now() - started)
      if (response.statusCode !== 200) throw new Error(`${name}: ${q}: ${body}`)
      found += JSON.parse(body).data.length
    }
    return { times, found }
  }

  close (): void {
    this.#agent.destroy()
  }
}

/** The member's chats, unlike in size and written to by turns; the same texts, shorter, in others' chats. */
export async function load (stage: Stage, figures: Figures, corpus: Corpus, chats: string[], messages: number): Promise<void> {
  const users = ['member', ...Array.from({ length: SENDERS }, (_, n) => `user${n}`)]
  const others = Array.from({ length: OTHER_CHATS }, () => uuidv7())
  const client = await stage.db.pool.connect()
  try {
    await client.query('SET session_replication_role = replica') // the rows are right: nothing has to be looked up for them
    await client.query('INSERT INTO chat.chat_user (id) SELECT unnest($1::text[])', [users])
    await client.query('INSERT INTO chat.user_inbox (user_id) SELECT unnest($1::text[])', [users])
    await client.query("INSERT INTO chat.chat_session (id, type, name, created_by_id) SELECT unnest($1::uuid[]), 'GROUP', 'a group', 'user0'", [[...chats, ...others]])
    await client.query(`INSERT INTO chat.chat_participant (chat_id, user_id, join_revision, revision, inbox_revision)
      SELECT c, u, 1, 1, 1 FROM unnest($1::uuid[]) c, unnest($2::text[]) u`, [chats, users])
    await client.query(`INSERT INTO chat.chat_participant (chat_id, user_id, join_revision, revision, inbox_revision)
      SELECT c, u, 1, 1, 1 FROM unnest($1::uuid[]) c, unnest($2::text[]) u`, [others, users.slice(1, 3)])
    const seqs = new Map<string, number>()
    const started = performance.now()
    for (let done = 0; done < messages; done += BATCH) await insert(client, corpus, () => chats[Math.floor(CHATS * corpus.random() ** 1.5)]!, seqs, Math.min(BATCH, messages - done), done)
    for (let done = 0; done < OTHER_CHATS * OTHER_MESSAGES; done += BATCH) await insert(client, corpus, () => corpus.pick(others), seqs, BATCH, done)
    await client.query(`INSERT INTO chat.chat_head (chat_id, last_seq, last_revision, last_ordinal, last_ordinal_seq, member_count, last_message_at)
      SELECT c.id, coalesce(s.seq, 0), coalesce(s.seq, 0) + 1, coalesce(s.seq, 0), coalesce(s.seq, 0), 9, (SELECT max(m.created_at) FROM chat.chat_message m WHERE m.chat_id = c.id)
      FROM chat.chat_session c LEFT JOIN unnest($1::uuid[], $2::integer[]) AS s (id, seq) ON s.id = c.id`, [[...seqs.keys()], [...seqs.values()]])
    await client.query(`UPDATE chat.chat_participant p SET sent_count = s.count FROM (SELECT m.chat_id, m.sender_id, count(*)::integer AS count FROM chat.chat_message m GROUP BY 1, 2) s
      WHERE s.chat_id = p.chat_id AND s.sender_id = p.user_id`)
    figures.add('loading', (performance.now() - started) / (messages + OTHER_CHATS * OTHER_MESSAGES) * 1000, 'µs a message')
  } finally {
    client.release(true)
  }
  const started = performance.now()
  for (const chatId of [...chats, ...others]) while (await indexNext(stage.db, chatId));
  figures.add('indexing', (performance.now() - started) / (messages + OTHER_CHATS * OTHER_MESSAGES) * 1000, 'µs a message')
  await stage.db.pool.query('VACUUM ANALYZE')
  await stage.db.pool.query('CHECKPOINT')
  for (const [name, relation] of [['messages', 'chat.chat_message'], ['keys', 'chat.message_search'], ['posting lists', 'chat.search_segment']]) {
    const { rows: [row] } = await stage.db.pool.query('SELECT pg_total_relation_size($1::regclass)::float8 / 1e6 AS size', [relation])
    figures.add(`size of ${name}`, row.size, 'MB')
  }
}

async function insert (client: { query: (sql: string, values: unknown[]) => Promise<unknown> }, corpus: Corpus, chatId: () => string, seqs: Map<string, number>, count: number, done: number): Promise<void> {
  const rows = Array.from({ length: count }, () => {
    const id = chatId()
    const seq = (seqs.get(id) ?? 0) + 1
    seqs.set(id, seq)
    return { id, seq, content: corpus.text() }
  })
  const values = [rows.map(({ id }) => id), rows.map(({ seq }) => seq), rows.map(({ content }) => content)]
  await client.query(`INSERT INTO chat.chat_message (chat_id, seq, revision, ordinal, sender_ordinal, sender_id, content, client_message_id, request_hash, created_at)
    SELECT r.id, r.seq, r.seq + 1, r.seq, (r.seq + ${SENDERS} - 1) / ${SENDERS}, 'user' || r.seq % ${SENDERS}, r.content, 'key ' || r.seq, 'hash', timestamptz '2026-01-01' + make_interval(secs => $4 + r.n)
    FROM unnest($1::uuid[], $2::integer[], $3::text[]) WITH ORDINALITY AS r (id, seq, content, n)`, [...values, done])
  await client.query('INSERT INTO chat.message_search (chat_id, seq, revision, keys) SELECT r.id, r.seq, r.seq + 1, r.keys FROM unnest($1::uuid[], $2::integer[], $3::text[]) AS r (id, seq, keys)',
    [values[0], values[1], rows.map(({ content }) => fold(content))])
}
