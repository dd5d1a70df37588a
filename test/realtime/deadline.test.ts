// Who has waited too long is answered: OVERLOADED where nothing has happened, OUTCOME_UNKNOWN where something may have.
import t from 'tap'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn, type CommandError } from '../helpers/socket.ts'
import { makeGroup } from '../helpers/world.ts'

t.test('a database that does not answer', async t => {
  const parley = await startParley(t)
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  const rest = (method: string, path: string, body?: object) => request(parley, 'alice', method, path, body)
  await rest('GET', '/unread') // so that nobody has to be asked who she is

  const { promise: mended, resolve: mend } = Promise.withResolvers<void>()
  const { db } = parley.app
  const [query, transaction] = [db.query.bind(db), db.transaction.bind(db)]
  db.query = async (statement, values) => mended.then(() => query(statement, values))
  db.transaction = async work => mended.then(() => transaction(work))
  t.teardown(mend)
  const asked = {
    sync: alice.command('sync', {}),
    unread: alice.command('get_unread', {}),
    change: alice.command('update_chat', { chatId, name: 'first' }),
    'a change behind another': alice.command('update_chat', { chatId, name: 'second' }),
    'a read behind it': alice.command('get_chat', { chatId }),
    'sync by REST': rest('POST', '/sync', {}),
    'unread by REST': rest('GET', '/unread'),
    'presence by REST': rest('POST', '/presence/query', { userIds: ['bob'] }),
    'a change by REST': rest('PATCH', '/me', { displayName: 'Alice' }),
  }
  const codes = await Promise.all(Object.entries(asked).map(async ([name, work]) => [name, await work.then(() => 'done', (error: CommandError) => error.code)]))
  mend()
  t.strictSame(Object.fromEntries(codes), {
    sync: 'OVERLOADED',
    unread: 'OVERLOADED',
    change: 'OUTCOME_UNKNOWN',
    'a change behind another': 'OVERLOADED',
    'a read behind it': 'OVERLOADED',
    'sync by REST': 'OVERLOADED',
    'unread by REST': 'OVERLOADED',
    'presence by REST': 'OVERLOADED',
    'a change by REST': 'OUTCOME_UNKNOWN',
  })
  t.equal((await bob.next('chat_updated')).data.chat.name, 'first', 'what was under way goes on')
  await alice.command('update_chat', { chatId, name: 'third' })
  t.equal((await bob.next('chat_updated')).data.chat.name, 'third', 'what had not begun never does')
})

t.end()
