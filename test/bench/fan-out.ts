// One chat, 1,000 members connected, four of whom send: deliveries a second. Held against a bare loop of `ws`'s `send` to as many sockets, in a
// process of its own, of frames like those that Parley sends. Then 20 sends a second to 500 members: from a send to each receipt; Parley has
// committed the message in between, the bare loop has not. By turns. Then 5,000 members: how late the server's loop is meanwhile.
import type { BareWs } from './bare-ws.ts'
import { median, type Figures } from './figures.ts'
import type { Load, Outcome } from './load.ts'
import { chatOf, CONTENT, makeGroup, userOf } from './population.ts'
import { Stage } from './stage.ts'
import { startWorker } from './worker.ts'

const SENDERS = 4
const ROUNDS = 3
const FLOOD = { members: 1_000, outstanding: 8, seconds: 3, warmUpSeconds: 1 }
const CROWD = { members: 5_000, outstanding: 8, seconds: 4, warmUpSeconds: 1 }
const PACE = { members: 500, perSecond: 20, seconds: 4, warmUpSeconds: 0.5 }

export async function fanOut (stage: Stage, figures: Figures): Promise<void> {
  const chats = { flood: chatOf(0), pace: chatOf(1), crowd: chatOf(2) }
  await makeGroup(stage.db, chats.flood, FLOOD.members)
  await makeGroup(stage.db, chats.pace, PACE.members)
  await makeGroup(stage.db, chats.crowd, CROWD.members)
  const url = Stage.socketUrl(await stage.serve())
  const [load, bare] = [await startWorker<Load>('./load.ts'), await startWorker<BareWs>('./bare-ws.ts')]
  try {
    const bareUrl = await bare.ask('listen', undefined)
    const open = async (members: number) => {
      await load.ask('open', { group: 'parley', url, sockets: Array.from({ length: members }, (_, n) => ({ token: stage.token(userOf(n)) })) })
      await load.ask('open', { group: 'bare', url: bareUrl, sockets: Array.from({ length: members }, () => ({})) })
    }
    /** @returns outcomes of Parley and of the bare loop */
    const compare = async (chatId: string, run: (sending: { group: string, senders: { socket: number, chatId: string }[], content: string, frame?: string }) => Promise<Outcome>) => {
      const senders = Array.from({ length: SENDERS }, (_, socket) => ({ socket, chatId }))
      const frame = await load.ask('sample', { group: 'parley', chatId, content: CONTENT })
      const [ours, theirs]: [Outcome[], Outcome[]] = [[], []]
      for (let round = 0; round < ROUNDS; round++) {
        theirs.push(await run({ group: 'bare', senders, content: CONTENT, frame }))
        ours.push(await run({ group: 'parley', senders, content: CONTENT }))
      }
      await load.ask('close', { group: 'parley' })
      await load.ask('close', { group: 'bare' })
      return { ours, theirs, frame }
    }

    await open(FLOOD.members)
    const flood = await compare(chats.flood, sending => load.ask('flood', { ...sending, ...FLOOD }))
    figures.add('deliveries', median(flood.ours.map(run => run.deliveriesPerSecond)), '/s', median(flood.theirs.map(run => run.deliveriesPerSecond)), '≥ 3 ×')
    figures.add('a frame', Buffer.byteLength(flood.frame), 'bytes')

    await open(PACE.members)
    const pace = await compare(chats.pace, sending => load.ask('pace', { ...sending, ...PACE }))
    figures.add('send to receipt, p50', median(pace.ours.map(run => run.received.p50)), 'ms', median(pace.theirs.map(run => run.received.p50)), '≤ 1.2 ×')
    figures.add('send to receipt, p99', median(pace.ours.map(run => run.received.p99)), 'ms', median(pace.theirs.map(run => run.received.p99)), '≤ 1.2 ×')
    figures.add('send to reply, p50', median(pace.ours.map(run => run.acknowledged.p50)), 'ms')

    await bare.stop()
    await load.ask('open', { group: 'parley', url, sockets: Array.from({ length: CROWD.members }, (_, n) => ({ token: stage.token(userOf(n)) })) })
    await stage.probe({ reset: true })
    const senders = Array.from({ length: SENDERS }, (_, socket) => ({ socket, chatId: chats.crowd }))
    const crowd = await load.ask('flood', { group: 'parley', senders, content: CONTENT, ...CROWD })
    const { loopDelay } = await stage.probe()
    figures.add('5,000 members: deliveries', crowd.deliveriesPerSecond, '/s')
    figures.add('5,000 members: loop delay, p99', loopDelay.p99, 'ms', null, '≤ 50 ms')
    figures.add('5,000 members: loop delay, longest', loopDelay.max, 'ms', null, '≤ 50 ms')
  } finally {
    await load.stop()
    await bare.stop()
  }
}
