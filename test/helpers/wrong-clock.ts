// A client in a thread whose clock is wrong: by years, forward and back, ever again while it sends over a line that breaks.
import { parentPort, workerData } from 'node:worker_threads'
import { createClient } from '../../src/client/parley.ts'
import { hasty, said, shown } from './chat-client.ts'
import { cuttable, projectionOf } from './live.ts'

const { url, token, group, count } = workerData as { url: string, token: string, group: string, count: number }
const DECADE_MS = 315_576_000_000
const RealDate = Date
let offset = DECADE_MS
let jumps = 0
globalThis.Date = class extends RealDate {
  constructor (...args: [] | [string | number]) {
    super(args.length === 0 ? RealDate.now() + offset : args[0])
  }

  static override now = (): number => RealDate.now() + offset
} as DateConstructor
const jump = () => {
  jumps++
  offset = offset > 0 ? -DECADE_MS : DECADE_MS * jumps
}

const { WebSocket, cut } = cuttable()
const chat = createClient({ url, token: () => token, clock: hasty, WebSocket })
await chat.whenSynced()
await chat.setMembership(group, { mutedUntil: new RealDate(RealDate.now() + 3_600_000).toISOString() })
for (let n = 1; n <= count; n++) {
  const sent = chat.send(group, { content: `mine ${n}` })
  jump()
  if (n % 5 === 0) cut()
  await sent
}
await shown(chat, () => said(chat.messages(group)).length === 2 * count)
await chat.markRead(group)
await chat.whenSynced()
const contents = said(chat.messages(group)).map(({ content }) => content ?? '')
// (A change of the status has everything made anew.)
const muted = [() => chat.offline(), () => chat.online()].map(change => {
  jump()
  change()
  return chat.core.state.chats.get(group) && chat.chat(group)?.muted
})
parentPort?.postMessage({ jumps, muted: muted.every(Boolean), unread: chat.unread.total, projection: projectionOf(chat.core.state), contents })
chat.stop()
