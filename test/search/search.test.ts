// What is found, and how it looks.
import t, { type Test } from 'tap'
import { connectSql } from '../helpers/sql.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { makeDirect, makeGroup, send } from '../helpers/world.ts'
import { allPages, search, textsOf, untilFound } from './helpers.ts'

const parley = await startParley(t)

async function chatWith (...texts: string[]): Promise<string> {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  for (const text of texts) await send(parley, 'ben', chatId, text)
  return chatId
}

const NOTHING = 'vvvvvvvv'

/** [text, ...queries that find it] */
const SCRIPTS: Record<string, [text: string, ...queries: string[]][]> = {
  'Latin, with accents folded': [
    ['Crème brûlée à la carte', 'creme', 'BRULEE', 'crème', 'rûlé', 'car'], ['Straße nach Łódź', 'strasse', 'lodz', 'ŁÓDŹ', 'STRASSE'], ['smørrebrød ÆØÅ', 'smorrebrod', 'aeoa', 'ÆØÅ'],
    ['İstanbul ve ılık', 'istanbul', 'ilik', 'ISTANBUL'], ['cafe\u0301 ﬁn', 'café', 'fin'], ['Ｆｕｌｌ　ｗｉｄｔｈ', 'full width'],
  ],
  Cyrillic: [['Съешь же ещё этих мягких булок', 'съешь', 'ЕЩЕ', 'ещё', 'мягк', 'БУЛ'], ['мой край', 'мой', 'КРАЙ']],
  Greek: [['Οδυσσέας ΟΔΥΣΣΕΑΣ', 'οδυσσεας', 'Οδυσσέας', 'σσ']],
  Arabic: [['مُحَمَّد ذهب إلى المدرسة', 'محمد', 'الى', 'إلى', 'مدرسه', 'المدرسة'], ['القهـــوة ٣٤٥', 'القهوة', '345', '٣٤']],
  Hebrew: [['שָׁלוֹם עולם', 'שלום', 'עולם', 'ול']],
  Hindi: [['नमस्ते दुनिया फ़ोन', 'नमस्ते', 'दुनि', 'फोन', 'फ़ोन']],
  Thai: [['สวัสดีชาวโลก', 'สวัสดี', 'ชาว', 'โลก']],
  Chinese: [['我们明天去北京吃烤鸭。', '北京', '京', '明天去北京', '烤鸭'], ['𠮷野家と𠮷', '𠮷野', '𠮷']],
  Japanese: [['東京タワーに行きました', '東京', 'タワー', '行きま', 'に'], ['ｶﾞｷﾞ ガギ', 'ガギ', 'ｶﾞ']],
  'Korean, without spaces': [['안녕하세요반갑습니다', '안녕', '하세요', '반갑', '녕하'], ['한국어 공부', '공부', '국']],
  emoji: [['well done 👍🏽 ❤️', '👍', '❤', '👍🏽'], ['👨‍👩‍👧', '👨‍👩‍👧', '👧']],
  'letters and signs': [['C++ costs 5€, e-mail: x_y@example.com; don’t', 'c++', '5€', 'mail', 'example.com', 'x_y@example', 'dont', "don't", 'don’t'], ['100% \\ a_b', '100%', '\\ a', 'a_b']],
}

for (const [script, texts] of Object.entries(SCRIPTS)) {
  t.test(script, async t => {
    const chatId = await chatWith(NOTHING, ...texts.map(([text]) => text))
    for (const [text, ...queries] of texts) for (const q of queries) t.ok((await textsOf(parley, 'ann', q, { chatId })).includes(text), `${q} finds ${text}`)
    for (const q of texts.flatMap(([, ...queries]) => queries)) t.notOk((await textsOf(parley, 'ann', q, { chatId })).includes(NOTHING), `${q} is not in everything`)
  })
}

t.test('different words stay different', async t => {
  const chatId = await chatWith('мои', 'कल', 'はし')
  for (const q of ['мой', 'कुल', 'ばし']) t.strictSame(await textsOf(parley, 'ann', q, { chatId }), [], q)
})

t.test('all words, in any order, each of them perhaps a part; newest first', async t => {
  const chatId = await chatWith('the quick brown fox', 'a brown and a quick one', 'brown bread', 'quickest of the Brownings')
  t.strictSame(await textsOf(parley, 'ann', 'brown quick', { chatId }), ['quickest of the Brownings', 'a brown and a quick one', 'the quick brown fox'])
})

t.test('phrases: whole words that stand together', async t => {
  const chatId = await chatWith('New York is big', 'a new (york) thing', 'york new', 'anew yorkshire', '今日は天気がいい')
  t.strictSame(await textsOf(parley, 'ann', '"new york"', { chatId }), ['a new (york) thing', 'New York is big'])
  t.strictSame(await textsOf(parley, 'ann', '“New  York” big', { chatId }), ['New York is big'])
  t.strictSame(await textsOf(parley, 'ann', '"york"', { chatId }), ['york new', 'a new (york) thing', 'New York is big'])
  t.strictSame(await textsOf(parley, 'ann', '"天気"', { chatId }), ['今日は天気がいい'], 'where there are no spaces a phrase may begin and end anywhere')
  t.strictSame(await textsOf(parley, 'ann', '"new york', { chatId }).then(texts => texts.length), 4, 'an open quote is none')
})

t.test('one and two characters', async t => {
  const chatId = await chatWith('ok', 'x', 'boxes', '水', '我喝水了', 'ж', 'no')
  t.strictSame(await textsOf(parley, 'ann', 'x', { chatId }), ['boxes', 'x'])
  t.strictSame(await textsOf(parley, 'ann', 'ok', { chatId }), ['ok'])
  t.strictSame(await textsOf(parley, 'ann', '水', { chatId }), ['我喝水了', '水'])
  t.strictSame(await textsOf(parley, 'ann', 'Ж', { chatId }), ['ж'])
  t.strictSame(await textsOf(parley, 'ann', 'q', { chatId }), [])
})

t.test('the best first: whole words, then beginnings, then parts; of equals the newest', async t => {
  const texts = ['concatenate', 'a cat', 'catalogue', 'cat', 'scatter']
  const chatId = await chatWith(...texts)
  t.strictSame(await textsOf(parley, 'ann', 'cat', { chatId, order: 'best' }), ['cat', 'a cat', 'catalogue', 'scatter', 'concatenate'])
  t.strictSame(await textsOf(parley, 'ann', 'cat', { chatId, order: 'newest' }), texts.toReversed())
  const pages = await allPages(parley, 'ann', 'cat', { chatId, order: 'best', limit: 2 }, () => send(parley, 'ben', chatId, 'one more cat'))
  t.strictSame(pages.map(page => page.map(({ message }) => message.content)), [['cat', 'a cat'], ['catalogue', 'scatter'], ['concatenate']], 'what comes meanwhile moves nothing')
})

t.test('filters, as in the history', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben', 'cat'])
  const [one, two, three] = [await send(parley, 'ann', chatId, 'report one'), await send(parley, 'ben', chatId, 'report two'), await send(parley, 'cat', chatId, 'report three')]
  const found = (parameters: object) => textsOf(parley, 'ann', 'report', { chatId, ...parameters })
  t.strictSame(await found({ senderId: 'ben' }), ['report two'])
  t.strictSame(await found({ senderId: 'nobody' }), [])
  t.strictSame(await found({ type: 'TEXT' }).then(texts => texts.length), 3)
  t.strictSame(await found({ type: 'IMAGE' }), [])
  const sql = await connectSql(t, parley)
  for (const [index, { seq }] of [one, two, three].entries()) await sql.rows('UPDATE chat.chat_message SET created_at = $3 WHERE chat_id = $1 AND seq = $2', [chatId, seq, `2026-01-0${index + 1}T00:00:00Z`])
  t.strictSame(await found({ from: '2026-01-02T00:00:00.000Z' }), ['report three', 'report two'], 'from then on')
  t.strictSame(await found({ to: '2026-01-02T00:00:00.000Z' }), ['report one'], 'until before then')
  t.strictSame(await found({ from: '2026-01-01T12:00:00.000Z', to: '2026-01-02T12:00:00.000Z' }), ['report two'])
  t.strictSame(await found({ from: '2027-01-01T00:00:00.000Z' }), [])
})

t.test('everywhere: of all my chats, newest first, in pages without a gap or a repeat while others come', async t => {
  const chats = await Promise.all(['gil', 'hal', 'ivy', 'jon'].map((other, n) => n % 2 ? makeDirect(parley, 'fay', other) : makeGroup(parley, 'fay', [other])))
  const wanted: string[] = []
  for (let n = 0; n < 90; n++) wanted.unshift((await send(parley, 'fay', chats[(n * n) % 4]!, n % 3 ? `apple ${n}` : `pear ${n}`)).content!)
  const apples = wanted.filter(text => text.startsWith('apple'))
  t.strictSame(await textsOf(parley, 'fay', 'appl', { limit: 100 }), apples)
  for (const limit of [1, 7, 60]) {
    const pages = await allPages(parley, 'fay', 'apple', { limit }, async () => { if (limit === 7) await send(parley, 'fay', chats[0]!, 'apple that is new') })
    t.strictSame(pages.flat().map(({ message }) => message.content).filter(text => !text?.includes('new')), apples, `${limit} at a time`)
    t.ok(pages.every((page, index) => page.length === limit || index === pages.length - 1), 'full pages but for the last')
  }
  const { users } = await search(parley, 'fay', 'apple', { limit: 1 })
  t.strictSame(Object.keys(users), ['fay'])
  t.equal(users.fay?.id, 'fay')
})

t.test('snippets: the text as it was written, with marks', async t => {
  const long = `${'before '.repeat(60)}Crème BRÛLÉE${' after'.repeat(60)}`
  const chatId = await chatWith("Don't stop: the Crème, the CREME", long, '東京タワー', '한국어 공부', 'the theatre')
  const snippet = async (q: string, index = 0) => (await search(parley, 'ann', q, { chatId })).data[index]?.snippet
  t.strictSame(await snippet('creme dont', 0), [
    { text: "Don't", match: true }, { text: ' stop: the ', match: false }, { text: 'Crème', match: true }, { text: ', the ', match: false }, { text: 'CREME', match: true },
  ])
  t.strictSame(await snippet('タワ'), [{ text: '東京', match: false }, { text: 'タワ', match: true }, { text: 'ー', match: false }])
  t.strictSame(await snippet('국어'), [{ text: '한', match: false }, { text: '국어', match: true }, { text: ' 공부', match: false }])
  t.strictSame(await snippet('"the theatre"'), [{ text: 'the theatre', match: true }])
  t.strictSame(await snippet('the eat'), [{ text: 'the', match: true }, { text: ' ', match: false }, { text: 'theat', match: true }, { text: 're', match: false }], 'what overlaps is one')
  const cut = await snippet('brulee')
  const text = cut?.map(part => part.text).join('') ?? ''
  t.ok(long.includes(text) && text.length <= 240 && text.length > 150, 'a stretch of it, word for word')
  t.strictSame(cut?.filter(({ match }) => match), [{ text: 'BRÛLÉE', match: true }])
})

t.test('edits and deletions', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  const { id } = await send(parley, 'ben', chatId, 'the first draft')
  const found = (q: string) => textsOf(parley, 'ann', q, { chatId })
  await request(parley, 'ben', 'PATCH', `/messages/${id}`, { content: 'a Second version' })
  t.strictSame(await found('second'), ['a Second version'], 'at once')
  t.strictSame(await found('draft'), [])
  await request(parley, 'ben', 'DELETE', `/messages/${id}?scope=everyone`)
  t.strictSame(await found('second'), [])
  const sql = await connectSql(t, parley)
  t.strictSame(await sql.rows('SELECT FROM chat.message_search WHERE chat_id = $1', [chatId]), [], 'nothing of it is kept')
})

t.test('forwarded messages', async t => {
  const from = await chatWith('pass this on')
  const to = await makeGroup(parley, 'ann', ['cat'])
  const [hit] = (await search(parley, 'ann', 'pass', { chatId: from })).data
  await request(parley, 'ann', 'POST', `/messages/${hit?.message.id}/forward`, { chatIds: [to] })
  t.strictSame(await textsOf(parley, 'cat', 'this on'), ['pass this on'])
})

t.test('what an application has sent by SQL, and texts that it changes there', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  const sql = await connectSql(t, parley)
  const item = { chatId, senderId: 'ben', content: 'Grüße from the database', clientMessageId: 'sql', requestHash: 'x' }
  await sql.rows('SELECT * FROM chat.send_messages($1)', [JSON.stringify([item])])
  t.match(await untilFound(parley, 'ann', 'grusse', 1, { chatId }), { data: [{ message: { content: item.content } }] })
  await sql.rows("UPDATE chat.chat_message SET content = 'Änderung' WHERE chat_id = $1 AND client_message_id = 'sql'", [chatId])
  t.match(await untilFound(parley, 'ann', 'anderung', 1, { chatId }), { data: [{ message: { content: 'Änderung' } }] })
  t.strictSame(await textsOf(parley, 'ann', 'grusse', { chatId }), [])
})

t.test('hostile queries', async (t: Test) => {
  const chatId = await chatWith("Robert'); DROP TABLE chat.chat_message; --", 'plain')
  for (const q of ['...', '?!', '" "', '""', '%', '_', '\\', ' \u200b ', '\u0301', '—']) {
    t.strictSame(await search(parley, 'ann', q, { chatId }), { data: [], users: {}, nextCursor: null }, `nothing is left of ${JSON.stringify(q)}`)
  }
  for (const q of ["'; DROP TABLE chat.chat_message; --", '%%%plain%', 'pla_n', '%in', 'p%n', '.*', '(', '[a-z]', 'plain:*', '& | !', '\\x', '$1', '{}', ')(']) await search(parley, 'ann', q, { chatId })
  t.strictSame(await textsOf(parley, 'ann', '"pl%in"', { chatId }), [], 'no wildcard')
  t.strictSame(await textsOf(parley, 'ann', '"p_ain"', { chatId }), [])
  t.strictSame(await textsOf(parley, 'ann', "robert'); drop", { chatId }), ["Robert'); DROP TABLE chat.chat_message; --"])
  for (const q of ['x'.repeat(10_000), 'x'.repeat(513), '', 'a\0b']) {
    await t.rejects(search(parley, 'ann', q, { chatId }), { code: 'VALIDATION_FAILED' })
  }
  t.match(await request(parley, 'ann', 'GET', '/search?q=a%ED%A0%80b'), { data: [] }, 'half a surrogate in the path is no text')
  t.strictSame(await textsOf(parley, 'ann', 'zy '.repeat(170), { chatId }), [])
  t.strictSame(await textsOf(parley, 'ann', Array.from({ length: 250 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join(' '), { chatId }), [])
  await t.rejects(search(parley, 'ann', 'plain', { chatId, cursor: 'x' }), { code: 'VALIDATION_FAILED' })
})

t.test('very long words, many at once, and the longest messages', async t => {
  const texts = ['x'.repeat(10_000), '😀'.repeat(10_000), 'ab'.repeat(5_000), '\u0301'.repeat(9_999) + 'z', Array.from({ length: 5_000 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join('')]
  const chatId = await chatWith(...texts)
  t.strictSame(await textsOf(parley, 'ann', 'x'.repeat(512), { chatId }), [texts[0]])
  t.strictSame(await textsOf(parley, 'ann', '😀'.repeat(200), { chatId }), [texts[1]])
  t.strictSame(await textsOf(parley, 'ann', 'ba', { chatId }), [texts[2]])
  t.strictSame(await textsOf(parley, 'ann', 'z', { chatId }), [texts[3]])
  t.strictSame(await textsOf(parley, 'ann', String.fromCodePoint(0x4e00 + 3_000, 0x4e00 + 3_001), { chatId }), [texts[4]])
})

t.end()
