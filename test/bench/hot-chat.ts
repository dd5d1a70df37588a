// Sends to one chat by all of its 64 members at once, 8 of each on their way all the time; all of them get all of it. Held against pgbench, whose
// 32 clients send to one chat with one message a transaction. By turns.
import { median, type Figures } from './figures.ts'
import { floodAgainst } from './flood.ts'
import { chatOf, makeGroup } from './population.ts'
import type { Stage } from './stage.ts'

const MEMBERS = 64

export async function hotChat (stage: Stage, figures: Figures): Promise<void> {
  const chatId = chatOf(0)
  await makeGroup(stage.db, chatId, MEMBERS)
  const people = Array.from({ length: MEMBERS }, (_, user) => ({ user, chatId }))
  const { ours, theirs } = await floodAgainst(stage, people, { chatId: `'${chatId}'`, userId: "'user' || :client_id" })
  figures.add('sends', median(ours.map(run => run.sendsPerSecond)), '/s', median(theirs.map(run => run.perSecond)), '≥ 1.5 ×')
  figures.add('acknowledged, p50', median(ours.map(run => run.acknowledged.p50)), 'ms', median(theirs.map(run => run.latency.p50)))
  figures.add('acknowledged, p99', median(ours.map(run => run.acknowledged.p99)), 'ms', median(theirs.map(run => run.latency.p99)))
  figures.add('deliveries', median(ours.map(run => run.deliveriesPerSecond)), '/s')
}
