// From a send to the receipt by the other, while 300 messages a second are sent in 100 direct chats. Held against what the same statement takes
// when pgbench sends as many. By turns.
import { median, type Figures } from './figures.ts'
import type { Load, Outcome } from './load.ts'
import { pgbench, type PgbenchResult } from './pgbench.ts'
import { chatOf, CONTENT, makeDirectChats, sendScript, userOf } from './population.ts'
import { Stage } from './stage.ts'
import { startWorker } from './worker.ts'

const CHATS = 100
const PER_SECOND = 300
const CLIENTS = 32
const ROUNDS = 3
const SECONDS = 5
const WARM_UP_SECONDS = 1
const CHAT_BY_CHANCE = "'00000000-0000-7000-8000-' || lpad((:chat)::text, 12, '0')"

export async function latency (stage: Stage, figures: Figures): Promise<void> {
  await makeDirectChats(stage.db, CHATS)
  const url = Stage.socketUrl(await stage.serve())
  const load = await startWorker<Load>('./load.ts')
  const people = Array.from({ length: 2 * CHATS }, (_, n) => ({ token: stage.token(userOf(n)), chatId: chatOf(Math.floor(n / 2)) }))
  const pace = async (seconds: number): Promise<Outcome> => {
    await load.ask('open', { group: 'parley', url, sockets: people })
    const senders = people.map(({ chatId }, socket) => ({ socket, chatId }))
    const outcome = await load.ask('pace', { group: 'parley', senders, content: CONTENT, perSecond: PER_SECOND, seconds, warmUpSeconds: WARM_UP_SECONDS })
    await load.ask('close', { group: 'parley' })
    return outcome
  }
  try {
    await pace(1)
    await stage.db.pool.query('ANALYZE')
    const [ours, theirs]: [Outcome[], PgbenchResult[]] = [[], []]
    const script = `\\set chat random(0, ${CHATS - 1})\n${sendScript(CHAT_BY_CHANCE, "'user' || 2 * :chat")}`
    for (let round = 0; round < ROUNDS; round++) {
      theirs.push(await pgbench({ databaseUrl: stage.databaseUrl, script, clients: CLIENTS, rate: PER_SECOND, seconds: SECONDS }))
      ours.push(await pace(SECONDS))
    }
    figures.add('send to receipt, p50', median(ours.map(run => run.received.p50)), 'ms', median(theirs.map(run => run.latency.p50)), '≤ 4 ×')
    figures.add('send to receipt, p99', median(ours.map(run => run.received.p99)), 'ms', median(theirs.map(run => run.latency.p99)), '≤ 20 ms')
    figures.add('send to reply, p50', median(ours.map(run => run.acknowledged.p50)), 'ms', median(theirs.map(run => run.latency.p50)))
  } finally {
    await load.stop()
  }
}
