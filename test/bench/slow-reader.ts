// In a chat of 300 one member has stopped reading. They are sent so much besides (in a chat of their own with somebody else, where nobody waits for it)
// that the server has to keep it, up to its limit, and to cut them: from a send to each receipt by the others, at 20 sends a second. Held against
// the same with a member who reads. By turns.
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { median, type Figures } from './figures.ts'
import type { Load, Outcome } from './load.ts'
import { chatOf, CONTENT, makeDirectChats, makeGroup, userOf } from './population.ts'
import { Stage } from './stage.ts'
import { startWorker } from './worker.ts'

const MEMBERS = 300
const SENDERS = 4
const ROUNDS = 4
const PACE = { perSecond: 20, seconds: 4, warmUpSeconds: 0.5 }
/** As large as a message can be, and nothing that search would look into; so many a second go to the slow one. */
const LARGE = '語'.repeat(10_000)
const LARGE_PER_SECOND = 45
/** The server says goodbye, and waits so long for an answer. */
const GOODBYE_MS = 3_000
const [TOO_SLOW, CUT_OFF] = [4002, 1006]

export async function slowReader (stage: Stage, figures: Figures): Promise<void> {
  const group = chatOf(MEMBERS)
  await makeDirectChats(stage.db, MEMBERS / 2)
  await makeGroup(stage.db, group, MEMBERS)
  const [slow, friend, aside] = [userOf(MEMBERS - 1), userOf(MEMBERS - 2), chatOf(MEMBERS / 2 - 1)]
  const address = await stage.serve()
  const url = Stage.socketUrl(address)
  const load = await startWorker<Load>('./load.ts')

  const signIn = async () => {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${stage.token(slow)}` } })
    socket.on('error', () => {}) // it may be cut
    await once(socket, 'message')
    return socket
  }
  const fill = async () => {
    const body = JSON.stringify({ type: 'ENCRYPTED', content: LARGE })
    const { ok } = await fetch(`${address}/api/v1/chat/sessions/${aside}/messages`, { method: 'POST', headers: { authorization: `Bearer ${stage.token(friend)}`, 'content-type': 'application/json' }, body })
    if (!ok) throw new Error('A message was refused')
  }

  try {
    await load.ask('open', { group: 'others', url, sockets: Array.from({ length: MEMBERS - 1 }, (_, n) => ({ token: stage.token(userOf(n)) })) })
    const senders = Array.from({ length: SENDERS }, (_, socket) => ({ socket, chatId: group }))
    const run = async () => {
      const fills: Promise<void>[] = []
      const filling = setInterval(() => fills.push(fill()), 1000 / LARGE_PER_SECOND)
      const outcome = await load.ask('pace', { group: 'others', senders, content: CONTENT, ...PACE })
      clearInterval(filling)
      await Promise.all(fills)
      return outcome
    }

    const [beside, without]: [Outcome[], Outcome[]] = [[], []]
    let cuts = 0
    for (let round = -1; round < ROUNDS; round++) { // the first does not count
      for (const [outcomes, isSlow] of [[without, false], [beside, true]] as const) {
        const socket = await signIn()
        const closed = once(socket, 'close').then(([code]) => code)
        if (isSlow) socket.pause()
        const outcome = await run()
        socket.resume()
        const wasCut = await Promise.race([closed, new Promise(resolve => setTimeout(resolve, isSlow ? GOODBYE_MS : 0))])
        if (round >= 0) outcomes.push(outcome)
        if (round >= 0 && isSlow && (wasCut === TOO_SLOW || wasCut === CUT_OFF)) cuts++
        socket.terminate()
      }
    }
    for (const p of ['p50', 'p99'] as const) {
      figures.add(`send to receipt by the others, ${p}`, median(beside.map(({ received }) => received[p])), 'ms', median(without.map(({ received }) => received[p])), ...p === 'p99' ? ['≤ 1.2 ×'] as const : [])
    }
    figures.add('the slow one was cut', cuts, `of ${ROUNDS}`)
  } finally {
    await load.stop()
  }
}
