// Random messages and random queries: what is found is what a plain look at everything that the user can read finds.
import t from 'tap'
import type { Message } from '../../src/contract.ts'
import { indexNext } from '../../src/search/indexer.ts'
import { fold } from '../../src/search/text.ts'
import { Corpus } from '../bench/corpus.ts'
import { request, RequestError } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup } from '../helpers/world.ts'
import { allPages } from './helpers.ts'

const SEED = Number(process.env.SEED ?? 1)
const USERS = ['ann', 'ben', 'cat']
/** The first chat has segments of three sizes. */
const MESSAGES = [4_300, 500, 300, 40]
const QUERIES = 20
/** More hits than these take long to leaf through, and tell no more. */
const MOST = 400

const parley = await startParley(t, { EDIT_WINDOW_SECONDS: '100000' })
const sql = await connectSql(t, parley)
const corpus = new Corpus(SEED)
const { random } = corpus
const chats: string[] = []
let keys = 0

t.comment(`SEED=${SEED}`)
await request(parley, 'cat', 'GET', '/sessions')
for (const count of MESSAGES) {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  chats.push(chatId)
  for (let sent = 0; sent < count; sent += 100) {
    const items = Array.from({ length: Math.min(100, count - sent) }, () => {
      const content = corpus.text()
      return { chatId, senderId: corpus.pick(['ann', 'ben']), content, clientMessageId: `key ${keys++}`, requestHash: 'hash', ...(random() < 0.8 && { searchKeys: fold(content) }) }
    })
    await sql.rows('SELECT idx FROM chat.send_messages($1)', [JSON.stringify(items)])
    if (sent === 200) await request(parley, 'ann', 'POST', `/sessions/${chatId}/participants`, { userIds: ['cat'] })
  }
}

async function readable (userId: string): Promise<Message[]> {
  const messages: Message[] = []
  for (const chatId of chats) {
    for (let before: string | null = '2147483647'; before !== null;) {
      const page: { data: Message[], nextCursor: string | null } = await request<typeof page>(parley, userId, 'GET', `/sessions/${chatId}/messages?before=${before}&limit=100`).catch((error: unknown): typeof page => {
        if (error instanceof RequestError && error.code === 'CHAT_NOT_FOUND') return { data: [], nextCursor: null }
        throw error
      })
      messages.push(...page.data)
      before = page.nextCursor
    }
  }
  return messages
}

/** Of ordinary words: what is written without any of the code that is tested, but for the folding. */
function naive (messages: Message[], words: string[], phrases: string[]): string[] {
  return messages
    .filter(({ type, content }) => type === 'TEXT' && content !== null && words.every(word => fold(content).includes(fold(word).trim())) && phrases.every(phrase => fold(content).includes(fold(phrase))))
    .sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.chatId < b.chatId ? -1 : a.chatId > b.chatId ? 1 : b.seq - a.seq))
    .map(({ id }) => id)
}

const part = (word: string) => {
  const characters = Array.from(word)
  const start = Math.floor(random() * characters.length)
  return characters.slice(start, start + 1 + Math.floor(random() * 6)).join('')
}

function randomQuery (messages: Message[]): { words: string[], phrases: string[] } {
  const words = (corpus.pick(messages).content ?? 'xyz').split(' ')
  const chance = random()
  if (chance < 0.15) return { words: [corpus.pick(words)], phrases: [] }
  if (chance < 0.5) return { words: [part(corpus.pick(words))], phrases: [] }
  if (chance < 0.7) return { words: [part(corpus.pick(words)), part(corpus.pick(words))], phrases: [] }
  if (chance < 0.8) return { words: [corpus.word('latin', Math.floor(random() * 40_000))], phrases: [] }
  const latin = words.filter(word => /^[a-zé]/.test(word))
  return latin.length < 2 ? { words: [corpus.pick(words)], phrases: [] } : { words: [], phrases: [latin.slice(-2).join(' ')] }
}

async function compare (when: string): Promise<void> {
  await sql.until('NOT EXISTS (SELECT FROM chat.message_search WHERE keys IS NULL)')
  let hits = 0
  for (const userId of USERS) {
    const messages = await readable(userId)
    let wrong = 0
    for (let n = 0; n < QUERIES;) {
      const { words, phrases } = randomQuery(messages.length > 0 ? messages : [{ content: 'a' } as Message])
      const chatId = random() < 0.5 ? corpus.pick(chats) : undefined
      const wanted = naive(chatId === undefined ? messages : messages.filter(message => message.chatId === chatId), words, phrases)
      if (wanted.length > MOST) continue
      n++
      const q = [...words, ...phrases.map(phrase => `"${phrase}"`)].join(' ')
      const found = (await allPages(parley, userId, q, { ...(chatId !== undefined && { chatId }), limit: 100, order: random() < 0.8 ? 'newest' : 'best' }).catch(error => {
        if (error instanceof RequestError && error.code === 'CHAT_NOT_FOUND') return []
        throw error
      })).flat().map(({ message }) => message.id)
      hits += found.length
      if (new Set(found).size === found.length && found.toSorted().join() === wanted.toSorted().join()) continue
      wrong++
      t.fail(`${when}, ${userId}: "${q}" in ${chatId ?? 'all'}`, { found: found.filter(id => !wanted.includes(id)), missed: wanted.filter(id => !found.includes(id)), repeated: found.length - new Set(found).size })
    }
    t.equal(wrong, 0, `${when}, ${userId}`)
  }
  t.ok(hits > 150, `${when}: ${hits} hits are enough to compare`)
}

/** What they have hidden from themselves they can neither edit nor delete. */
async function attempt (userId: string, method: string, path: string, body?: object): Promise<void> {
  await request(parley, userId, method, path, body).catch(error => {
    if (!(error instanceof RequestError) || error.code !== 'MESSAGE_NOT_FOUND') throw error
  })
}

async function change (count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const userId = corpus.pick(['ann', 'ben'])
    const chatId = corpus.pick(chats)
    const from = Math.ceil(random() * Number((await sql.row('SELECT last_seq FROM chat.chat_head WHERE chat_id = $1', [chatId])).last_seq))
    const { rows } = await sql.client.query('SELECT chat_id, seq FROM chat.chat_message WHERE chat_id = $1 AND seq >= $2 AND sender_id = $3 AND deleted_at IS NULL ORDER BY seq LIMIT 1', [chatId, from, userId])
    const id = rows[0] && `${rows[0].chat_id}.${rows[0].seq}`
    const chance = random()
    if (!id) continue
    if (chance < 0.5) await attempt(userId, 'PATCH', `/messages/${id}`, { content: corpus.text() })
    else if (chance < 0.7) await attempt(userId, 'DELETE', `/messages/${id}?scope=everyone`)
    else if (chance < 0.9) await attempt(corpus.pick(['ann', 'ben']), 'DELETE', `/messages/${id}?scope=me`)
    else await sql.rows('UPDATE chat.chat_message SET content = $3 WHERE chat_id = $1 AND seq = $2', [rows[0].chat_id, rows[0].seq, corpus.text()])
  }
}

t.test('as sent, edited and deleted', async () => {
  await change(60)
  await compare('first')
})

t.test('with all that can be indexed', async t => {
  for (const chatId of chats) while (await indexNext(parley.app.db, chatId));
  t.strictSame((await sql.rows<{ indexed: number }>('SELECT indexed FROM chat.search_progress ORDER BY 1 DESC')).map(({ indexed }) => indexed), [4_224, 384, 256])
  await compare('indexed')
})

t.test('edited after that, cleared, and with somebody blocked', async () => {
  await change(100)
  await request(parley, 'cat', 'POST', `/sessions/${chats[1]}/clear`)
  await request(parley, 'cat', 'PUT', '/blocks/ben')
  await request(parley, 'ben', 'DELETE', `/sessions/${chats[2]}`)
  await compare('later')
})

t.end()
