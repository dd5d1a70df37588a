// What many ask for at once is read once: and still nobody is shown what they may not see.
import t from 'tap'
import type { Changes, Message } from '../../src/contract.ts'
import { changesFor, type ChangesOf } from '../../src/sync/queries.ts'
import { history, makeGroup, send } from '../helpers/world.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'

const parley = await startParley(t)
const { db } = parley.app
/** Who sees all; who blocks alice; who has hidden a message; who has come later; who has cleared what was before; who is blocked; who has gone; who never was there. */
const users = ['alice', 'bob', 'blocker', 'hider', 'late', 'cleaner', 'pest', 'gone', 'stranger']
const chatId = await makeGroup(parley, 'alice', ['bob', 'blocker', 'hider', 'cleaner', 'pest', 'gone'])

/** By then all who have been in it from the beginning are. */
const start = (await db.pool.query<{ start: number }>('SELECT h.last_revision AS start FROM chat.chat_head h WHERE h.chat_id = $1', [chatId])).rows[0]!.start
const first = await send(parley, 'alice', chatId, 'first')
await send(parley, 'bob', chatId, 'a reply', { replyToId: first.id })
const secret = await send(parley, 'bob', chatId, 'before anybody came')
await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['late'] })
await request(parley, 'cleaner', 'POST', `/sessions/${chatId}/clear`)
await request(parley, 'blocker', 'PUT', '/blocks/alice')
const unwanted = await send(parley, 'bob', chatId, 'hidden by one')
await request(parley, 'hider', 'DELETE', `/messages/${unwanted.id}?scope=me`)
await request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/gone`)
for (let n = 0; n < 5; n++) await send(parley, n % 2 ? 'alice' : 'pest', chatId, `later ${n}`, n === 3 ? { replyToId: first.id } : {})
await request(parley, 'alice', 'POST', `/messages/${secret.id}/reactions`, { emoji: '👍' }) // an old row with a new revision

/** What the history, by statements of its own, says that the user sees. */
async function visible (userId: string): Promise<Message[]> {
  return history(parley, userId, chatId, '?limit=100')
}

async function readAll (since: number, limit = 200): Promise<Map<string, Changes>> {
  const found = await changesFor(db, chatId, users, since, limit)
  return new Map([...found].map(([userId, changes]) => {
    if (changes === 'ahead') throw new Error('ahead')
    return [userId, JSON.parse(changes.rows.text + changes.own) as Changes]
  }))
}

t.test('each of many gets, from each cursor on, what they may see, in the form in which they may', async t => {
  const { upTo: last } = (await readAll(start)).get('alice')!
  const inChat = users.filter(userId => !['gone', 'stranger'].includes(userId))
  const seen = new Map(await Promise.all(inChat.map(async userId => [userId, await visible(userId)] as const)))
  t.not(seen.get('blocker')!.filter(({ fromBlocked }) => fromBlocked).length, 0, 'somebody is blocked')
  for (let since = start; since < last; since++) {
    const found = await readAll(since)
    t.strictSame([...found.keys()].sort(), inChat.toSorted(), 'those who are in the chat, and no others')
    for (const [userId, changes] of found) {
      if ('reset' in changes) {
        t.equal(userId, 'late', 'only who came after the cursor begins anew')
        continue
      }
      const expected = seen.get(userId)!.filter(({ revision }) => revision > since).sort((a, b) => a.revision - b.revision)
      t.strictSame(changes.messages, expected, `${userId} since ${since}`)
      t.equal(changes.upTo, last)
      t.match(changes.watermarks.find(watermark => watermark.userId === userId), { readSeq: changes.head.readSeq }, 'the head is their own')
      const quoted = changes.messages.flatMap(({ replyTo }) => replyTo ? replyTo.messageId : [])
      const mayBeShown = new Map(seen.get(userId)!.map(message => [message.id, message]))
      for (const id of quoted) t.strictSame(changes.related[id], mayBeShown.get(id) ?? { unavailable: true }, `${userId} since ${since}: what is quoted`)
    }
  }
})

t.test('who sees the same gets the very same rows, made once; others do not', async t => {
  const found = await changesFor(db, chatId, users, start, 200)
  const rowsOf = (userId: string) => (found.get(userId) as ChangesOf).rows
  t.equal(rowsOf('bob'), rowsOf('alice'))
  for (const userId of ['blocker', 'hider', 'late', 'cleaner']) t.not(rowsOf(userId), rowsOf('alice'), userId)
})

t.test('a page of them ends for each where it has to', async t => {
  for (const limit of [1, 2, 3]) {
    const all = (await readAll(start)).get('bob') as Extract<Changes, { since: number }>
    const gathered: Message[] = []
    for (let since = start, more = true; more;) {
      const page = (await readAll(since, limit)).get('bob') as Extract<Changes, { since: number }>
      t.ok(page.messages.length + page.participants.length + (page.chat ? 1 : 0) <= limit)
      gathered.push(...page.messages)
      since = page.upTo
      more = page.hasMore
    }
    t.strictSame(gathered, all.messages)
  }
})

t.end()
