// Clients as applications have them, of a running server.
import type { Test } from 'tap'
import { systemClock, type Clock } from '../../src/client/clock.ts'
import { createClient, type LocalMessage, type Parley as Chat, type ParleyOptions } from '../../src/client/parley.ts'
import { request, sameAsServer, type Judge } from './live.ts'
import type { Parley } from './parley.ts'

type Server = Pick<Parley, 'url' | 'token'>

/** What waits with jitter does not wait long. */
export const hasty: Clock = { after: systemClock.after, random: () => Math.random() * 0.02 }

let people = 0
export const somebody = (): string => `person${++people}`

/** One who is connected and has synced. */
export async function joined (t: Pick<Test, 'teardown'>, server: Server, userId = somebody(), options: Partial<ParleyOptions> = {}): Promise<Chat> {
  const chat = createClient({ url: server.url, token: () => server.token(userId), clock: hasty, ...options })
  t.teardown(() => chat.stop())
  await chat.whenSynced()
  return chat
}

/** Two people in a DIRECT chat. */
export async function pair (t: Pick<Test, 'teardown'>, server: Server, options: Partial<ParleyOptions> = {}): Promise<{ alice: Chat, bob: Chat, chatId: string }> {
  const [alice, bob] = [await joined(t, server, somebody(), options), await joined(t, server)]
  const { chat: { id: chatId } } = await alice.createDirect(bob.userId as string)
  for (const chat of [alice, bob]) await shown(chat, () => chat.chat(chatId)?.loaded === true)
  return { alice, bob, chatId }
}

/** Much longer than anything takes, so that what never comes is told as that. */
const PATIENCE_MS = 30_000

/** Until what is shown says so: looked at whenever it changes. */
export async function shown (chat: Chat, condition: () => boolean): Promise<void> {
  if (condition()) return
  const never = new Error(`It has not come: ${condition}`)
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => { off(); reject(never) }, PATIENCE_MS)
    const off = chat.on('change', () => {
      if (!condition()) return
      clearTimeout(timer)
      off()
      resolve()
    })
  })
}

export const said = (messages: readonly LocalMessage[]): LocalMessage[] => messages.filter(({ type }) => type !== 'SYSTEM')

/** Compares the store, the counts and the list of chats with what the server says. Nothing else may be going on. */
export async function sameAsSaid (test: Test, server: Judge, ...chats: Chat[]): Promise<void> {
  // That something has been delivered is told a little later.
  for (const chat of chats) await shown(chat, () => [...chat.core.state.chats.values()].every(({ head }) => head.deliveredSeq >= head.lastSeq))
  for (const chat of chats) {
    const userId = chat.userId as string
    await sameAsServer(test, server, userId, chat.core)
    const unread = await request<{ totalUnread: number, totalMentions: number, chats: { chatId: string, unreadCount: number, mentionCount: number }[] }>(server, userId, 'GET', '/unread')
    const counts = () => chat.chats().concat(chat.chats({ archived: true })).filter(({ unreadCount }) => unreadCount > 0)
      .map(({ id, unreadCount, mentionCount }) => ({ chatId: id, unreadCount, mentionCount })).sort((a, b) => a.chatId < b.chatId ? -1 : 1)
    await shown(chat, () => JSON.stringify([chat.unread.total, counts()]) === JSON.stringify([unread.totalUnread, unread.chats]))
    test.same({ ...chat.unread, chats: counts() }, { total: unread.totalUnread, mentions: unread.totalMentions, chats: unread.chats }, `${userId}: unread`)
    const { data } = await request<{ data: { chat: { id: string } }[] }>(server, userId, 'GET', '/sessions?limit=100')
    test.same(chat.chats().map(({ id }) => id), data.map(each => each.chat.id), `${userId}: the list`)
  }
}
