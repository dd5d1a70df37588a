// How long one send takes on a server that has nothing else to do: command to reply, over a socket. Held against the same statement by `pg` alone,
// to another chat. By turns, one after the other.
import type { Figures } from './figures.ts'
import type { Load } from './load.ts'
import { chatOf, CONTENT, makeDirectChats, userOf } from './population.ts'
import { Stage } from './stage.ts'
import { startWorker } from './worker.ts'

const PAIRS = 3_000
const WARM_UP_PAIRS = 500

export async function sendOne (stage: Stage, figures: Figures): Promise<void> {
  await makeDirectChats(stage.db, 2)
  const url = Stage.socketUrl(await stage.serve())
  const load = await startWorker<Load>('./load.ts')
  try {
    await load.ask('open', { group: 'parley', url, sockets: [0, 1].map(n => ({ token: stage.token(userOf(n)), chatId: chatOf(0) })) })
    const pairs = { group: 'parley', chatId: chatOf(0), content: CONTENT, databaseUrl: stage.databaseUrl, reference: { chatId: chatOf(1), senderId: userOf(2) } }
    await load.ask('alternate', { ...pairs, pairs: WARM_UP_PAIRS })
    await stage.db.pool.query('ANALYZE')
    const { ours, theirs } = await load.ask('alternate', { ...pairs, pairs: PAIRS })
    figures.add('send, p50', ours.p50, 'ms', theirs.p50, '≤ 2 ×')
    figures.add('send, p99', ours.p99, 'ms', theirs.p99, '≤ 3 ×')
  } finally {
    await load.stop()
  }
}
