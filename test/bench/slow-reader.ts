// In a chat of 300 one member has stopped reading, and the server keeps for them what the network does not take, up to its limit, and cuts them: from
// a send to each receipt by the others, at 20 sends a second. Held against the same without that member. By turns.
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { median, type Figures } from './figures.ts'
import type { Load, Outcome } from './load.ts'
import { chatOf, CONTENT, makeDirectChats, makeGroup, userOf } from './population.ts'
import { Stage } from './stage.ts'
import { startWorker } from './worker.ts'

const MEMBERS = 300
const SENDERS = 4
const ROUNDS = 5
const PACE = { perSecond: 20, seconds: 4, warmUpSeconds: 0.5 }
/** As large as a message can be. The slow one's network is filled by them, in a chat of theirs with somebody else. */
const LARGE = '語'.repeat(10_000)
/** More than the network and the server keep; and sent before the server gives up saying goodbye. */
const MORE_THAN_ENOUGH = 300
/** So many large ones before the limit the measuring begins; in the middle of it the limit is passed. */
const BEFORE_THE_LIMIT = 3

export async function slowReader (stage: Stage, figures: Figures): Promise<void> {
  const group = chatOf(MEMBERS)
  await makeDirectChats(stage.db, MEMBERS / 2)
  await makeGroup(stage.db, group, MEMBERS)
  const [slow, friend, aside] = [userOf(MEMBERS - 1), userOf(MEMBERS - 2), chatOf(MEMBERS / 2 - 1)]
  const address = await stage.serve()
  const url = Stage.socketUrl(address)
  const load = await startWorker<Load>('./load.ts')

  async function stopReading (): Promise<WebSocket> {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${stage.token(slow)}` } })
    socket.on('error', () => {}) // it is cut
    await once(socket, 'message')
    socket.pause()
    return socket
  }
  async function fill (): Promise<void> {
    const body = JSON.stringify({ content: LARGE })
    const { ok } = await fetch(`${address}/api/v1/chat/sessions/${aside}/messages`, { method: 'POST', headers: { authorization: `Bearer ${stage.token(friend)}`, 'content-type': 'application/json' }, body })
    if (!ok) throw new Error('A message was refused')
  }
  const isHere = async () => (await stage.db.pool.query('SELECT FROM chat.presence_lease WHERE user_id = $1', [slow])).rowCount === 1
  const until = async (wanted: boolean) => { while (await isHere() !== wanted) await new Promise(resolve => setTimeout(resolve, 20)) }

  try {
    await load.ask('open', { group: 'others', url, sockets: Array.from({ length: MEMBERS - 1 }, (_, n) => ({ token: stage.token(userOf(n)) })) })
    const senders = Array.from({ length: SENDERS }, (_, socket) => ({ socket, chatId: group }))
    const run = () => load.ask('pace', { group: 'others', senders, content: CONTENT, ...PACE })

    // What it is given when it reads again, before it is told that it has been cut.
    const trial = await stopReading()
    for (let n = 0; n < MORE_THAN_ENOUGH; n++) await fill()
    let capacity = 0
    trial.on('message', (data: Buffer) => { if (data.length > LARGE.length) capacity++ })
    trial.resume()
    await once(trial, 'close')
    await until(false)
    figures.add('what the network and the server keep for a reader that has stopped', capacity * Buffer.byteLength(LARGE) / 1e6, 'MB')

    const [without, beside]: [Outcome[], Outcome[]] = [[], []]
    let cuts = 0
    await run() // what comes first is slower
    for (let round = 0; round < ROUNDS; round++) {
      without.push(await run())
      const socket = await stopReading()
      for (let n = 0; n < capacity - BEFORE_THE_LIMIT; n++) await fill()
      const outcome = run()
      await new Promise(resolve => setTimeout(resolve, PACE.seconds * 500))
      for (let n = 0; n < 2 * BEFORE_THE_LIMIT; n++) await fill()
      beside.push(await outcome)
      if (!await isHere()) cuts++
      socket.terminate()
      await until(false)
    }
    for (const p of ['p50', 'p99'] as const) {
      figures.add(`send to receipt by the others, ${p}`, median(beside.map(({ received }) => received[p])), 'ms', median(without.map(({ received }) => received[p])), ...p === 'p99' ? ['≤ 1.2 ×'] as const : [])
    }
    figures.add('cut while it was measured', cuts, `of ${ROUNDS}`)
  } finally {
    await load.stop()
  }
}
