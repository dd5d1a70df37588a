// Files in messages: who may send them, what becomes of them.
import t from 'tap'
import type { Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { download, filesOf, picture, uploadOne } from '../helpers/media.ts'
import { startParley } from '../helpers/parley.ts'
import { rest, signIn } from '../helpers/wire.ts'
import { history, makeGroup, send, sendAny } from '../helpers/world.ts'

const parley = await startParley(t)
const chatId = await makeGroup(parley, 'alice', ['bob'])
const other = await makeGroup(parley, 'alice', ['carol'])
const text = (name: string) => ({ name: `${name}.txt`, bytes: name })
const sent = async (userId: string, chat: string, body: object) => rest(parley, 'POST', `/api/v1/chat/sessions/${chat}/messages`, { token: parley.token(userId), body })
const codeOf = async (userId: string, chat: string, body: object) => (await sent(userId, chat, body)).code

t.test('a picture and a text, as everybody is told of them', async t => {
  const bob = await signIn(parley, 'bob')
  const photo = await uploadOne(parley, 'alice', chatId, { name: 'sea.jpg', bytes: await picture('blue') })
  const { message, duplicate } = await sendAny(parley, 'alice', chatId, { content: 'The sea', attachmentIds: [photo.id], clientMessageId: 'one' })
  t.match(message, { type: 'IMAGE', content: 'The sea' })
  t.notOk(duplicate)
  t.strictSame(message.attachments, [photo], 'what the upload was answered with')
  const told = await bob.next(({ type }) => type === 'message_received')
  t.strictSame((told.data as { message: Message }).message, message)
  t.strictSame((await history(parley, 'bob', chatId)).at(-1), message)
  t.strictSame((await history(parley, 'bob', chatId, '?hasAttachment=true')), [message])
  t.strictSame((await history(parley, 'bob', chatId, '?type=IMAGE')), [message])
  t.equal((await download(parley, photo.url, { as: 'bob' })).status, 200)
  const again = await sendAny(parley, 'alice', chatId, { content: 'The sea', attachmentIds: [photo.id], clientMessageId: 'one' })
  t.strictSame(again, { message, duplicate: true })
  t.equal(await codeOf('alice', chatId, { content: 'The sea', clientMessageId: 'one' }), 'MESSAGE_ID_CONFLICT')
  await bob.close()
})

t.test('the type is theirs', async t => {
  const files = async () => [await uploadOne(parley, 'alice', chatId, { name: 'x.jpg', bytes: await picture('red', 10, 10) }), await uploadOne(parley, 'alice', chatId, text('x'))]
  const [image, file] = await files()
  t.equal(await codeOf('alice', chatId, { attachmentIds: [image?.id], type: 'VIDEO' }), 'VALIDATION_FAILED')
  t.equal(await codeOf('alice', chatId, { attachmentIds: [image?.id], type: 'TEXT', content: 'x' }), 'VALIDATION_FAILED')
  t.equal(await codeOf('alice', chatId, { attachmentIds: [image?.id], type: 'ENCRYPTED', content: 'x' }), 'VALIDATION_FAILED')
  t.equal(await codeOf('alice', chatId, { type: 'IMAGE', content: 'x' }), 'VALIDATION_FAILED')
  t.equal(await codeOf('alice', chatId, {}), 'VALIDATION_FAILED')
  const { message: mixed } = await sendAny(parley, 'alice', chatId, { attachmentIds: [image?.id, file?.id] })
  t.match(mixed, { type: 'FILE', content: null, attachments: [{ id: image?.id }, { id: file?.id }] })
  const [second] = await files()
  const { message: named } = await sendAny(parley, 'alice', chatId, { attachmentIds: [second?.id], type: 'FILE' })
  t.equal(named.type, 'FILE')
})

t.test('only what is mine, of this chat, and not used', async t => {
  const mine = await uploadOne(parley, 'alice', chatId, text('mine'))
  const elsewhere = await uploadOne(parley, 'alice', other, text('elsewhere'))
  t.equal(await codeOf('bob', chatId, { attachmentIds: [mine.id] }), 'MEDIA_NOT_FOUND', 'of somebody else')
  t.equal(await codeOf('alice', chatId, { attachmentIds: [elsewhere.id] }), 'MEDIA_NOT_FOUND', 'of another chat')
  t.equal(await codeOf('alice', chatId, { attachmentIds: [mine.id, elsewhere.id] }), 'MEDIA_NOT_FOUND', 'one of two')
  t.equal(await codeOf('alice', chatId, { attachmentIds: ['00000000-0000-7000-8000-000000000000'] }), 'MEDIA_NOT_FOUND', 'of nobody')
  t.equal(await codeOf('alice', chatId, { attachmentIds: [mine.id, mine.id.toUpperCase()] }), 'ATTACHMENT_USED', 'twice in one message')
  t.equal(await codeOf('alice', chatId, { attachmentIds: [mine.id] }), null)
  t.equal(await codeOf('alice', chatId, { attachmentIds: [mine.id] }), 'ATTACHMENT_USED')
  t.equal(await codeOf('bob', chatId, { attachmentIds: [mine.id] }), 'MEDIA_NOT_FOUND')
})

t.test('of many sends of one file at once, one has it', async t => {
  const file = await uploadOne(parley, 'alice', chatId, text('wanted'))
  const codes = await Promise.all(Array.from({ length: 20 }, (_, n) => codeOf('alice', chatId, { attachmentIds: [file.id], content: `${n}` })))
  t.strictSame(codes.filter(code => code === null).length, 1)
  t.strictSame(codes.filter(code => code === 'ATTACHMENT_USED').length, 19)
})

t.test('of two sends of one batch that name one file, the first has it', async t => {
  const file = await uploadOne(parley, 'alice', chatId, text('one batch'))
  const item = (key: string) => ({ chatId, senderId: 'alice', content: key, clientMessageId: key, requestHash: key, attachments: [{ id: file.id }] })
  const { rows } = await parley.app.db.pool.query('SELECT status, code FROM chat.send_messages($1::jsonb) ORDER BY idx', [JSON.stringify([item('batch-1'), item('batch-2')])])
  t.strictSame(rows.map(({ status }) => status === 'created'), [true, false])
  t.equal(rows[1].code, 'ATTACHMENT_USED')
  t.strictSame((await history(parley, 'bob', chatId)).filter(({ attachments }) => attachments.some(({ id }) => id === file.id)).map(({ content }) => content), ['batch-1'])
})

t.test('send_media is the short form', async t => {
  const alice = await signIn(parley, 'alice')
  const file = await uploadOne(parley, 'alice', chatId, text('short'))
  const answer = await alice.command('send_media', { chatId, attachmentIds: [file.id], content: 'Here' })
  t.match(answer, { code: null, body: { duplicate: false, message: { type: 'FILE', content: 'Here', attachments: [{ id: file.id }] } } })
  await alice.close()
})

t.test('a forward shares the bytes, and not the row', async t => {
  const file = await uploadOne(parley, 'alice', chatId, text('passed on'))
  const { message } = await sendAny(parley, 'alice', chatId, { attachmentIds: [file.id], content: 'look' })
  const { messages: [copy] } = await request<{ messages: Message[] }>(parley, 'alice', 'POST', `/messages/${message.id}/forward`, { chatIds: [other] })
  t.match(copy, { type: 'FILE', content: 'look', chatId: other, attachments: [{ kind: 'file', fileName: 'passed on.txt', size: 9 }] })
  const [attachment] = copy?.attachments ?? []
  t.not(attachment?.id, file.id)
  t.equal((await download(parley, String(attachment?.url), { as: 'carol' })).status, 200)
  t.equal((await download(parley, file.url, { as: 'carol' })).status, 404, 'the first one is of a chat that she is not in')

  await request(parley, 'alice', 'DELETE', `/messages/${message.id}`)
  t.equal((await download(parley, file.url, { as: 'alice' })).status, 404)
  t.equal(String((await download(parley, String(attachment?.url), { as: 'carol' })).bytes), 'passed on', 'the bytes stay as long as one has them')
})

t.test('deleted for everyone, the files go from the store', async t => {
  const dir = parley.mediaDir
  const before = await filesOf(dir)
  const photo = await uploadOne(parley, 'alice', chatId, { name: 'gone.jpg', bytes: await picture('green') })
  const { message } = await sendAny(parley, 'alice', chatId, { attachmentIds: [photo.id], content: 'for now' })
  t.equal((await filesOf(dir)).length, before.length + 2, 'the picture and its thumbnail')
  const { message: deleted } = await request<{ message: Message }>(parley, 'alice', 'DELETE', `/messages/${message.id}`)
  t.match(deleted, { type: 'IMAGE', content: null, attachments: [] })
  await parley.app.jobs.run('sweep-media')
  t.strictSame(await filesOf(dir), before)
})

t.test('retention, and the deletion of a chat, take the files along', async t => {
  const before = await filesOf(parley.mediaDir)
  const sql = (text: string, values: unknown[]) => parley.app.db.pool.query(text, values)
  const [trimmed, deleted] = [await makeGroup(parley, 'alice', ['bob'], { settings: { retentionDays: 7 } }), await makeGroup(parley, 'alice', ['bob'])]
  for (const chat of [trimmed, deleted]) {
    const photo = await uploadOne(parley, 'alice', chat, { name: 'x.jpg', bytes: await picture(chat === trimmed ? 'gold' : 'plum') })
    await sendAny(parley, 'alice', chat, { attachmentIds: [photo.id] })
  }
  await uploadOne(parley, 'alice', deleted, text('never sent'))
  t.equal((await filesOf(parley.mediaDir)).length, before.length + 5)
  await sql("UPDATE chat.chat_message SET created_at = created_at - interval '8 days' WHERE chat_id = $1", [trimmed])
  await request(parley, 'alice', 'DELETE', `/sessions/${deleted}?scope=everyone`)
  for (const job of ['trim-history', 'remove-deleted-chats', 'sweep-media']) await parley.app.jobs.run(job)
  t.strictSame((await sql('SELECT FROM chat.attachment WHERE chat_id = ANY ($1)', [[trimmed, deleted]])).rows, [])
  t.strictSame(await filesOf(parley.mediaDir), before)
})

t.test('bytes that are uploaded again while they are taken away are there in the end', async t => {
  const { storage, db: { pool } } = parley.app
  const { remove } = storage
  const waits = async (): Promise<boolean> => {
    const { rowCount } = await pool.query("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%chat.add_upload%'")
    return rowCount === 1 || new Promise(resolve => setTimeout(resolve, 5)).then(waits)
  }
  const first = await uploadOne(parley, 'alice', chatId, text('again and again'))
  const second = await new Promise<typeof first>(resolve => {
    storage.remove = async key => {
      storage.remove = remove
      const again = uploadOne(parley, 'alice', chatId, text('again and again'))
      await Promise.race([again, waits()])
      await remove(key)
      resolve(again)
    }
    void rest(parley, 'DELETE', first.url, { token: parley.token('alice') })
  })
  t.equal(String((await download(parley, second.url, { as: 'alice' })).bytes), 'again and again')
})
t.test('a restored message has its text', async t => {
  const admin = parley.token('root', { role: 'admin' })
  const restore = (id: string) => rest(parley, 'POST', `/api/v1/chat/admin/messages/${id}/restore`, { token: admin })
  const [one, two] = [await uploadOne(parley, 'alice', chatId, text('one')), await uploadOne(parley, 'alice', chatId, text('two'))]
  const { message } = await sendAny(parley, 'alice', chatId, { attachmentIds: [one.id], content: 'with words' })
  const { message: wordless } = await sendAny(parley, 'alice', chatId, { attachmentIds: [two.id] })
  for (const { id } of [message, wordless]) await request(parley, 'alice', 'DELETE', `/messages/${id}`)
  t.match((await restore(message.id)).body, { message: { type: 'TEXT', content: 'with words', attachments: [] } })
  t.equal((await restore(wordless.id)).code, 'MESSAGE_DELETED')
})

t.test('somebody whom one blocks: nothing of the files', async t => {
  const file = await uploadOne(parley, 'bob', chatId, text('unwanted'))
  const { message } = await sendAny(parley, 'bob', chatId, { attachmentIds: [file.id], content: 'x' })
  await request(parley, 'alice', 'PUT', '/blocks/bob')
  const seen = (await history(parley, 'alice', chatId)).find(({ id }) => id === message.id)
  t.match(seen, { content: null, attachments: [], fromBlocked: true })
  t.equal((await download(parley, file.url, { as: 'alice' })).status, 404)
  await request(parley, 'alice', 'DELETE', '/blocks/bob')
  t.equal((await download(parley, file.url, { as: 'alice' })).status, 200)
})

t.test('an edit changes the text, and leaves the files', async t => {
  const file = await uploadOne(parley, 'alice', chatId, text('edited'))
  const { message } = await sendAny(parley, 'alice', chatId, { attachmentIds: [file.id] })
  const { message: edited } = await request<{ message: Message }>(parley, 'alice', 'PATCH', `/messages/${message.id}`, { content: 'now with words' })
  t.match(edited, { type: 'FILE', content: 'now with words', attachments: [{ id: file.id }] })
  t.equal((await send(parley, 'alice', chatId, 'plain')).type, 'TEXT')
})
t.end()
