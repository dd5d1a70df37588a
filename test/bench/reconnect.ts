// 2,000 clients come back at the same moment. Each is in 20 chats of 50 members, and 200 changes behind in 5 of them. --clients=N
import type { Clients } from './clients.ts'
import { loadChats, settle, type BigChat } from './big-chats.ts'
import { randomFrom } from './corpus.ts'
import { percentile, type Figures } from './figures.ts'
import { Stage } from './stage.ts'
import { startWorker } from './worker.ts'

const SEED = 20_261_121
const CHATS_EACH = 20
const BEHIND_IN = 5
const BEHIND_BY = 200
const MEMBERS = 50
const MESSAGES = 300

export async function reconnect (stage: Stage, figures: Figures, options: Record<string, string>): Promise<void> {
  const users = Array.from({ length: Number(options.clients ?? 2000) }, (_, n) => `user${n}`)
  const random = randomFrom(SEED)
  // In each round everybody is dealt into one chat.
  const rounds: BigChat[][] = []
  for (let round = 0; round < CHATS_EACH; round++) {
    const dealt = users.map(user => ({ user, at: random() })).sort((a, b) => a.at - b.at).map(({ user }) => user)
    rounds.push(await loadChats(stage, Array.from({ length: Math.ceil(dealt.length / MEMBERS) }, (_, n) => dealt.slice(n * MEMBERS, (n + 1) * MEMBERS)), MESSAGES))
  }
  await settle(stage)
  const cursors = new Map<string, Record<string, number>>(users.map(user => [user, {}]))
  for (const [round, chats] of rounds.entries()) {
    for (const { chatId, members } of chats) for (const member of members) cursors.get(member)![chatId] = MESSAGES + 1 - (round < BEHIND_IN ? BEHIND_BY : 0)
  }

  const url = Stage.socketUrl(await stage.serve())
  const clients = await startWorker<Clients>('clients.ts')
  try {
    await stage.probe({ reset: true })
    const before = await stage.probe()
    const outcome = await clients.ask('comeBack', { url, clients: users.map(user => ({ token: stage.token(user), inboxRevision: 1, cursors: cursors.get(user)! })) })
    const after = await stage.probe()
    const expected = users.length * BEHIND_IN * BEHIND_BY
    if (outcome.errors.length === 0 && outcome.messages !== expected) throw new Error(`${outcome.messages} changes have come, not ${expected}`)
    for (const error of new Set(outcome.errors.slice(0, 5))) figures.say(`error: ${error}`)
    figures.add('errors', outcome.errors.length, '', null, '≤ 0 errors')
    figures.add('until all have converged', outcome.seconds, 's')
    figures.add('until half of them have', percentile(outcome.converged, 0.5), 's')
    figures.add('until all have heard where they stand (sync)', Math.max(...outcome.synced), 's')
    figures.add('delay of the loop, p99', after.loopDelay.p99, 'ms', null, '≤ 200 ms')
    figures.add('delay of the loop, longest', after.loopDelay.max, 'ms')
    figures.add('CPU of the server', after.cpuSeconds - before.cpuSeconds, 's')
    figures.add('told', outcome.bytes / 1e6, 'MB')
    figures.add('resident memory of the server at the end', after.memory.rss / 1e6, 'MB')
  } finally {
    await clients.stop()
  }
}
