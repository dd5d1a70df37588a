// The client as one file: no import in it, small, and what it exports works.
import { gzipSync } from 'node:zlib'
import { ClientError, createClient } from 'parley/client'
import t from 'tap'
import { bundleClient } from '../../src/client/build.ts'
import { startParley } from '../helpers/parley.ts'

/** More than this, gzipped, is a burden to a page. */
const MOST_BYTES = 14_500

t.test('one module without an import, in a few kilobytes', async t => {
  const text = await bundleClient()
  t.notMatch(text, /(^|[^.\w])import[\s("'{*]|(^|[^.\w])require\(|from\s*"/)
  const size = gzipSync(text, { level: 9 }).length
  t.comment(`${text.length} bytes, gzipped ${size}`)
  t.ok(size <= MOST_BYTES, `${size} bytes`)
})

t.test('an importer gets it by the name of the package, with its types', async t => {
  const parley = await startParley(t)
  const chat = createClient({ url: parley.url, token: () => parley.token('alice') })
  t.teardown(() => chat.stop())
  const { chatId } = await chat.send({ userId: 'bob' }, { content: 'Hello' })
  await chat.whenSynced()
  t.same(chat.messages(chatId).map(({ content }) => content), ['Hello'])
  const error: unknown = await chat.command('get_chat', { chatId: '01900000-0000-7000-8000-000000000000' }).catch((error: unknown) => error)
  t.ok(error instanceof ClientError && error.code === 'CHAT_NOT_FOUND')
})

t.end()
