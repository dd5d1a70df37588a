// Acknowledged durable sends a second: 64 people, two to a chat, each with 8 on their way all the time. Held against pgbench, whose 32 clients
// call the same function with one message a transaction, each in a chat of its own, so that none waits for another. By turns.
import { median, type Figures } from './figures.ts'
import { floodAgainst } from './flood.ts'
import { CHAT_OF_CLIENT, chatOf, makeDirectChats } from './population.ts'
import type { Stage } from './stage.ts'

const CHATS = 32

export async function send (stage: Stage, figures: Figures): Promise<void> {
  await makeDirectChats(stage.db, CHATS)
  const people = Array.from({ length: 2 * CHATS }, (_, n) => ({ user: n, chatId: chatOf(Math.floor(n / 2)) }))
  const { ours, theirs } = await floodAgainst(stage, people, { chatId: CHAT_OF_CLIENT, userId: "'user' || 2 * :client_id" })
  figures.add('sends', median(ours.map(run => run.sendsPerSecond)), '/s', median(theirs.map(run => run.perSecond)), '≥ 2 ×')
  figures.add('acknowledged, p50', median(ours.map(run => run.acknowledged.p50)), 'ms', median(theirs.map(run => run.latency.p50)))
  figures.add('acknowledged, p99', median(ours.map(run => run.acknowledged.p99)), 'ms', median(theirs.map(run => run.latency.p99)), '≤ 100 ms')
}
