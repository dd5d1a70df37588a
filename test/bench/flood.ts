import { CONTENT, sendScript, userOf } from './population.ts'
import { pgbench, type PgbenchResult } from './pgbench.ts'
import { Stage } from './stage.ts'
import { startWorker } from './worker.ts'
import type { Load, Outcome } from './load.ts'

const OUTSTANDING = 8
const CLIENTS = 32
const ROUNDS = 3
const SECONDS = 4
const WARM_UP_SECONDS = 1

/**
 * People who all send, against pgbench, which sends to where it is told. By turns: what the machine does to one it does to the other. While
 * pgbench writes, nobody is connected: Parley would tell them of it all.
 */
export async function floodAgainst (
  stage: Stage, people: { user: number, chatId: string }[], reference: { chatId: string, userId: string }
): Promise<{ ours: Outcome[], theirs: PgbenchResult[] }> {
  const url = Stage.socketUrl(await stage.serve())
  const load = await startWorker<Load>('./load.ts')
  const flood = async (seconds: number, warmUpSeconds = 0) => {
    await load.ask('open', { group: 'parley', url, sockets: people.map(({ user, chatId }) => ({ token: stage.token(userOf(user)), chatId })) })
    const senders = people.map(({ chatId }, socket) => ({ socket, chatId }))
    const outcome = await load.ask('flood', { group: 'parley', senders, content: CONTENT, outstanding: OUTSTANDING, seconds, warmUpSeconds })
    await load.ask('close', { group: 'parley' })
    return outcome
  }
  try {
    await flood(1) // until the code is hot and the plans are made
    await stage.db.pool.query('ANALYZE')
    const [ours, theirs]: [Outcome[], PgbenchResult[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      theirs.push(await pgbench({ databaseUrl: stage.databaseUrl, script: sendScript(reference.chatId, reference.userId), clients: CLIENTS, seconds: SECONDS }))
      ours.push(await flood(SECONDS, WARM_UP_SECONDS))
    }
    return { ours, theirs }
  } finally {
    await load.stop()
  }
}
