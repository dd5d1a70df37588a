// What a client has asked for is no reason to take it for a slow reader, however much it is.
import t from 'tap'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { makeGroup } from '../helpers/world.ts'

const CONTENT = '語'.repeat(10_000)

t.test('many large pages at once all arrive, with the events between them', async t => {
  const parley = await startParley(t, { MAX_COMMANDS_IN_FLIGHT: '100' })
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  await Promise.all(Array.from({ length: 60 }, () => alice.command('send_message', { chatId, content: CONTENT })))
  const pages = Promise.all(Array.from({ length: 12 }, () => bob.command('get_history', { chatId, limit: 100 })))
  await alice.command('send_message', { chatId, content: 'between' })
  for (const page of await pages) t.ok(page.data.length >= 60)
  await bob.next('message_received', ({ data }) => data.message.content === 'between')
  t.equal(bob.ws.readyState, bob.ws.OPEN)
})

t.end()
