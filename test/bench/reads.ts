// All 64 members of a chat mark one message after the other as read, each when the one before is acknowledged; all of them are told of all. Held
// against pgbench, whose 32 clients call the same function with one mark a transaction, in another chat. By turns.
import { median, type Figures } from './figures.ts'
import type { Load, Outcome } from './load.ts'
import { pgbench, type PgbenchResult } from './pgbench.ts'
import { chatOf, makeGroup, userOf } from './population.ts'
import { Stage } from './stage.ts'
import { startWorker } from './worker.ts'

const MEMBERS = 64
const MESSAGES = 100_000
const CLIENTS = 32
const ROUNDS = 3
const SECONDS = 4
const WARM_UP_SECONDS = 1
/** So many are not marked by anybody in a round. */
const OF_A_ROUND = 20_000

export async function reads (stage: Stage, figures: Figures): Promise<void> {
  const [chatId, otherId] = [chatOf(0), chatOf(1)]
  for (const id of [chatId, otherId]) {
    await makeGroup(stage.db, id, MEMBERS)
    await stage.db.pool.query(`INSERT INTO chat.chat_message (chat_id, seq, revision, ordinal, sender_ordinal, sender_id, content, client_message_id, request_hash, created_at)
      SELECT $1, n, n + 1, n, n, 'user0', 'hello', n::text, 'hash', now() FROM generate_series(1, $2::integer) n`, [id, MESSAGES])
    await stage.db.pool.query('UPDATE chat.chat_head SET last_seq = $2::integer, last_revision = $2::integer + 1, last_ordinal = $2::integer, last_ordinal_seq = $2::integer WHERE chat_id = $1', [id, MESSAGES])
    await stage.db.pool.query("UPDATE chat.chat_participant SET sent_count = $2 WHERE chat_id = $1 AND user_id = 'user0'", [id, MESSAGES])
  }
  await stage.db.pool.query('VACUUM ANALYZE')
  const url = Stage.socketUrl(await stage.serve())
  const load = await startWorker<Load>('./load.ts')
  try {
    let readFrom = 1
    const mark = async (seconds: number, warmUpSeconds = 0): Promise<Outcome> => {
      await load.ask('open', { group: 'parley', url, sockets: Array.from({ length: MEMBERS }, (_, n) => ({ token: stage.token(userOf(n)), chatId })) })
      const senders = Array.from({ length: MEMBERS }, (_, socket) => ({ socket, chatId }))
      const outcome = await load.ask('flood', { group: 'parley', senders, content: '', readFrom, outstanding: 1, seconds, warmUpSeconds })
      await load.ask('close', { group: 'parley' })
      readFrom += OF_A_ROUND
      return outcome
    }
    await mark(1)
    const [ours, theirs]: [Outcome[], PgbenchResult[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      theirs.push(await pgbench({ databaseUrl: stage.databaseUrl, script: markScript(otherId), clients: CLIENTS, seconds: SECONDS }))
      ours.push(await mark(SECONDS, WARM_UP_SECONDS))
    }
    figures.add('marks', median(ours.map(run => run.sendsPerSecond)), '/s', median(theirs.map(run => run.perSecond)))
    figures.add('acknowledged, p50', median(ours.map(run => run.acknowledged.p50)), 'ms', median(theirs.map(run => run.latency.p50)))
    figures.add('acknowledged, p99', median(ours.map(run => run.acknowledged.p99)), 'ms', median(theirs.map(run => run.latency.p99)))
  } finally {
    await load.stop()
  }
}

/** The statement by which Parley marks (see receipts/queries.ts): the next message, by the member who has the client's number. */
function markScript (chatId: string): string {
  return `SELECT m.* FROM chat.mark_many(jsonb_build_array(jsonb_build_object('chatId', '${chatId}', 'userId', 'user' || :client_id, 'isRead', true, 'isNamed', false,
    'upToSeq', (SELECT p.read_seq + 1 FROM chat.chat_participant p WHERE p.chat_id = '${chatId}' AND p.user_id = 'user' || :client_id))), true) m;`.replace(/\s+/g, ' ') + '\n'
}
