// Whether what people do every day costs more in a chat with a longer history: the same at 10³, 10⁵ and 10⁶ messages a chat, for readers who
// are 0 %, 10 % and 100 % behind. One request at a time, of each size in turn. --largest=N --times=N
import { loadChats, settle, type BigChat } from './big-chats.ts'
import { median, type Figures } from './figures.ts'
import { KeepAlive } from './keep-alive.ts'
import type { Stage } from './stage.ts'

const MEMBERS = 8
const BEHIND = [0, 10, 100]
const CHANGES = 50
const WARM_UP = 20
const NAMES: Record<number, string> = { 1000: '10³', 100000: '10⁵', 1000000: '10⁶' }

interface Reader { chat: BigChat, behind: number, connection: KeepAlive }

/** What is asked for, by whom; all of them are members, who have also written. */
const READS: Record<string, (chat: BigChat) => string> = {
  unread: ({ chatId }) => `/sessions/${chatId}/unread`,
  'list of chats': () => '/sessions',
  'history, newest': ({ chatId }) => `/sessions/${chatId}/messages`,
  'history, from the middle': ({ chatId, messages }) => `/sessions/${chatId}/messages?before=${Math.floor(messages / 2)}`,
  [`changes, ${CHANGES}`]: ({ chatId, messages }) => `/sessions/${chatId}/changes?since=${messages + 1 - CHANGES}`,
  'changes, since the beginning': ({ chatId }) => `/sessions/${chatId}/changes?since=0`,
}

export async function growth (stage: Stage, figures: Figures, options: Record<string, string>): Promise<void> {
  const largest = Number(options.largest ?? 1_000_000)
  const times = Number(options.times ?? 100)
  const sizes = [1_000, 100_000, 1_000_000].filter(size => size <= largest)
  const chats: BigChat[] = []
  // The readers have this one chat: in a list of many the others would hide what it costs.
  for (const size of sizes) chats.push(...await loadChats(stage, [Array.from({ length: MEMBERS }, (_, n) => `user${n}-of-${size}`)], size))
  for (const { members, messages } of chats) {
    for (const [n, behind] of BEHIND.entries()) await stage.db.pool.query('UPDATE chat.chat_participant SET read_seq = $2 WHERE user_id = $1', [members[n], Math.round(messages * (1 - behind / 100))])
  }
  await settle(stage)

  const url = await stage.serve()
  const open = (userId: string) => KeepAlive.open(url, { authorization: `Bearer ${stage.token(userId)}` })
  for (const [what, pathOf] of Object.entries(READS)) {
    for (const [n, behind] of BEHIND.entries()) {
      const readers: Reader[] = await Promise.all(chats.map(async chat => ({ chat, behind, connection: await open(chat.members[n]!) })))
      await compare(figures, `${what}, ${behind} % behind`, times, readers.map(({ chat, connection }) => ({
        size: chat.messages, ask: () => connection.request('GET', `/api/v1/chat${pathOf(chat)}`),
      })))
      for (const { connection } of readers) connection.close()
    }
  }
  const senders = await Promise.all(chats.map(async chat => ({ chat, connection: await open(chat.members.at(-1)!) })))
  await compare(figures, 'send', times * 2, senders.map(({ chat, connection }) => ({
    size: chat.messages, ask: () => connection.request('POST', `/api/v1/chat/sessions/${chat.chatId}/messages`, { content: 'Hello' }),
  })))
  for (const { connection } of senders) connection.close()
}

/** By turns, so that whatever else the machine does is the same for all. */
async function compare (figures: Figures, what: string, times: number, sizes: { size: number, ask: () => Promise<unknown> }[]): Promise<void> {
  const took = sizes.map((): number[] => [])
  for (let time = -WARM_UP; time < times; time++) {
    for (const [index, { ask }] of sizes.entries()) {
      const started = performance.now()
      await ask()
      if (time >= 0) took[index]!.push(performance.now() - started)
    }
  }
  const [base = NaN, ...others] = took.map(median)
  for (const [index, value] of others.entries()) figures.add(`${what}: ${NAMES[sizes[index + 1]!.size]}`, value, 'ms', base, '≤ 1.3 ×')
}
