// A chat that was deleted for everyone loses its rows: by a job, or by a DBA's own hand.
import t from 'tap'
import type { Message } from '../../src/contract.ts'
import { fill, killedAfter } from '../helpers/jobs.ts'
import { request, RequestError } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t, { SWEEP_SECONDS: '0.1' })
const sql = await connectSql(t, parley)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const removeDeleted = (signal?: AbortSignal) => parley.app.jobs.run('remove-deleted-chats', signal)
const deleteChat = (chatId: string) => rest('ann', 'DELETE', `/sessions/${chatId}?scope=everyone`)

/** Tables that have rows of the chat. A report is kept without its message. */
async function tablesWith (chatId: string): Promise<string[]> {
  const tables = await sql.rows<{ name: string }>(`SELECT table_name AS name FROM information_schema.columns
    WHERE table_schema = 'chat' AND column_name = 'chat_id' AND table_name <> 'message_report' ORDER BY 1`)
  const found: string[] = []
  for (const { name } of tables) {
    const { there } = await sql.row<{ there: boolean }>(`SELECT EXISTS (SELECT FROM chat.${name} WHERE chat_id = $1) AS there`, [chatId])
    if (there) found.push(name)
  }
  const { there } = await sql.row<{ there: boolean }>('SELECT EXISTS (SELECT FROM chat.chat_session WHERE id = $1) AS there', [chatId])
  return there ? [...found, 'chat_session'] : found
}

/** A chat with rows in all tables that a chat can have rows in. */
async function setup (count = 0) {
  const chatId = await makeGroup(parley, 'ann', ['ben', 'cat'], { clientChatId: `key-${count}`, externalRef: `ref-${count}` })
  const message = await send(parley, 'ben', chatId, 'one')
  await rest('cat', 'POST', `/messages/${message.id}/reactions`, { emoji: '👍' })
  await rest('ben', 'PATCH', `/messages/${message.id}`, { content: 'one!' })
  await rest('cat', 'DELETE', `/messages/${message.id}?scope=me`)
  for (const mark of ['delivered', 'read']) await rest('cat', 'POST', `/sessions/${chatId}/${mark}`, {})
  await sql.rows("INSERT INTO chat.mention (chat_id, seq, n, user_id) VALUES ($1, 1, 1, 'cat')", [chatId])
  await fill(parley, chatId, 'ben', count)
  return { chatId, message }
}

t.test('nothing is left of it, and other chats are as they were', async t => {
  const { chatId } = await setup(1)
  const other = await setup(2)
  const [all, messages] = [await tablesWith(other.chatId), await history(parley, 'ben', other.chatId)]
  t.ok(['chat_head', 'chat_message', 'chat_participant', 'chat_session', 'mention', 'message_delivery', 'message_hidden', 'message_reaction', 'message_read', 'message_version'].every(name => all.includes(name)))
  await deleteChat(chatId)
  t.strictSame(await tablesWith(chatId), all, 'not before the job has run')
  t.strictSame(await removeDeleted(), { chats: 1 })
  t.strictSame(await tablesWith(chatId), [])
  t.strictSame(await tablesWith(other.chatId), all)
  t.strictSame(await history(parley, 'ben', other.chatId), messages)
  t.strictSame(await removeDeleted(), { chats: 0 })
  await t.rejects(rest('ann', 'GET', `/sessions/${chatId}`), { code: 'CHAT_NOT_FOUND' })
  t.notOk((await rest<{ heads: { chatId: string }[] }>('cat', 'POST', '/sync', {})).heads.some(head => head.chatId === chatId))
})

t.test('its key and reference are free at once, the pair of a DIRECT chat when its rows have gone', async t => {
  const { chatId } = await setup(3)
  await deleteChat(chatId)
  t.not((await setup(3)).chatId, chatId)

  const direct = await makeDirect(parley, 'dan', 'eve')
  await sql.rows('UPDATE chat.chat_session SET deleted_at = now() WHERE id = $1', [direct]) // by a DBA: nobody else can
  await t.rejects(makeDirect(parley, 'eve', 'dan'), { code: 'EXTERNAL_REF_TAKEN' })
  await removeDeleted()
  const again = await makeDirect(parley, 'eve', 'dan')
  t.not(again, direct)
  t.match(await send(parley, 'dan', again, 'hello again'), { seq: 1 })
})

t.test('killed between two transactions, it goes on the next time', async t => {
  const { chatId } = await setup(2_500)
  await deleteChat(chatId)
  await t.rejects(removeDeleted(killedAfter(2)), { message: 'killed' })
  t.strictSame(await sql.row('SELECT count(*)::integer AS left, min(seq) AS first FROM chat.chat_message WHERE chat_id = $1', [chatId]), { left: 501, first: 2_001 })
  t.match(await sql.row('SELECT min_seq FROM chat.chat_head WHERE chat_id = $1', [chatId]), { min_seq: 2_001 })
  await removeDeleted()
  t.strictSame(await tablesWith(chatId), [])
})

t.test('who writes meanwhile is answered: it is in, or there is no such chat; and other chats wait for nothing', async t => {
  const { chatId: dying } = await setup(4_000)
  const living = await makeGroup(parley, 'ann', ['ben', 'cat'])
  const codes = new Set<string>()
  const into = { dying: 0, living: [] as Message[] }
  const job = { done: false }
  const write = async (userId: string) => {
    for (let n = 0; !job.done || n < 40; n++) {
      const [one, other] = await Promise.allSettled([send(parley, userId, dying, `${n}`), send(parley, userId, living, `${n}`)])
      if (one.status === 'fulfilled') into.dying++
      else codes.add(one.reason instanceof RequestError ? one.reason.code : String(one.reason))
      if (other.status === 'rejected') throw other.reason
      into.living.push(other.value)
      await rest(userId, 'POST', `/sessions/${dying}/read`, {}).catch((error: RequestError) => codes.add(error.code))
    }
  }
  const remove = async () => {
    while (into.living.length < 10) await send(parley, 'ann', dying, 'still there')
    await deleteChat(dying)
    await Promise.all([removeDeleted(), removeDeleted()])
    job.done = true
  }
  await Promise.all([write('ann'), write('ben'), write('cat'), remove()])
  t.ok(into.dying > 0)
  t.strictSame([...codes], ['CHAT_NOT_FOUND'])
  t.strictSame(await tablesWith(dying), [])
  const written = await sql.rows<{ seq: number }>('SELECT seq FROM chat.chat_message WHERE chat_id = $1 ORDER BY 1', [living])
  t.strictSame(written.map(({ seq }) => seq), into.living.map(({ seq }) => seq).toSorted((a, b) => a - b), 'each is in, once')
})

t.test('a chat that is not deleted is not touched', async t => {
  const { chatId } = await setup(5)
  const before = await tablesWith(chatId)
  t.strictSame(await sql.row('SELECT chat.delete_chat_rows($1) AS more', [chatId]), { more: false })
  t.strictSame(await tablesWith(chatId), before)
  t.equal((await history(parley, 'ben', chatId)).length, 6)
})

t.test('a DBA deletes one by CALL chat.delete_chat, and whoever is there is told', async t => {
  const { chatId } = await setup(1_500)
  const cat = await signIn(t, parley, 'cat')
  await sql.rows('CALL chat.delete_chat($1)', [chatId])
  t.strictSame(await tablesWith(chatId), [])
  t.match(await cat.next('chat_deleted'), { chatId })
  await t.rejects(sql.rows('CALL chat.delete_chat($1)', [chatId]), { message: /There is no chat/ })
})
t.end()
