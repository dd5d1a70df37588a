// The page to look at, in a real browser: two people, and all that they can do with each other.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { act, field, openChat, said, saidExactly, texts, until, write } from '../helpers/chat-page.ts'
import { frameOf, launchChromium, openPage } from '../helpers/chromium.ts'
import { fill } from '../helpers/jobs.ts'
import { picture } from '../helpers/media.ts'
import { startParley } from '../helpers/parley.ts'
import { takeScreenshots } from '../helpers/screenshots.ts'
import { makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t, { DEMO: 'on', CHAT_REQUESTS: 'on' })
const browser = await launchChromium(t)

/** What has run elsewhere where text was taken for markup. */
const CORPUS = [
  '<img src=x onerror=alert(1)>',
  '<script>alert(1)</script>',
  '<svg/onload=alert(1)>',
  '"><iframe srcdoc="<script>alert(1)</script>">',
  'javascript:alert(1) data:text/html,<b>x</b>',
  'https://example.com/"onmouseover="alert(1) https://example.com/?a=<b>&b=\'',
  '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
  '</p></article><base href=//evil.example><style>*{display:none}</style>',
  '{{constructor.constructor("alert(1)")()}} <!-- ]]>',
  '&lt;b&gt;&#x3C;b&#x3E;\u202Egnp.exe',
]
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Serious and critical findings; a `label` names the place. */
async function accessible (t: Test, page: Page, label: string): Promise<void> {
  const findings = await page.evaluate<{ impact: string, id: string, nodes: { html: string, failureSummary: string }[] }[]>(`(async () => { ${AXE}; return (await axe.run(document, { iframes: false })).violations })()`)
  const serious = findings.filter(({ impact }) => ['serious', 'critical'].includes(impact))
  t.strictSame(serious.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`) })), [], label)
}

if (browser) {
  const { page, complaints } = await openPage(browser, `${parley.url}/`)
  const [alice, bob] = [await frameOf(page, 'alice'), await frameOf(page, 'bob')]

  t.test('a stranger asks, is let in, and both see how far a message has come', async t => {
    await alice.getByRole('main').getByRole('button', { name: 'Bob' }).click()
    await write(alice, 'Bob', 'Hello Bob')
    await said(alice, 'Hello Bob').and(alice.locator('[data-status="sent"]')).waitFor()
    await bob.locator('[data-request="Alice"]').getByRole('button', { name: 'Accept Alice' }).click()
    await said(bob, 'Hello Bob').waitFor()
    await said(alice, 'Hello Bob').and(alice.locator('[data-status="read"]')).waitFor()
    t.equal(await bob.locator('.requests').count(), 0)
  })

  t.test('typing, replies, reactions, edits, deletions, pins', async t => {
    await field(bob, 'Alice').pressSequentially('I am wri')
    await alice.locator('.conversation-header .typing-text').waitFor()
    await field(bob, 'Alice').fill('')
    await alice.locator('.conversation-header .typing-text').waitFor({ state: 'detached' })

    await act(bob, 'Hello Bob', 'Reply')
    await write(bob, 'Alice', 'Hello yourself')
    await said(alice, 'Hello yourself').locator('.quote', { hasText: 'Hello Bob' }).waitFor()

    await act(alice, 'Hello yourself', 'React', 'Heart')
    await said(bob, 'Hello yourself').getByRole('button', { name: /❤️ 1: Alice/ }).click()
    await said(alice, 'Hello yourself').getByRole('button', { name: /❤️ 2/ }).waitFor()

    await act(bob, 'Hello yourself', 'More', 'Edit')
    await field(bob, 'Alice').fill('Hello to you')
    await field(bob, 'Alice').press('Enter')
    await said(alice, 'Hello to you').getByText('edited').waitFor()

    await act(alice, 'Hello to you', 'More', 'Pin')
    await bob.locator('.pinned summary', { hasText: 'Hello to you' }).waitFor()

    await write(alice, 'Bob', 'A slip')
    await said(bob, 'A slip').waitFor()
    await act(alice, 'A slip', 'More', 'Delete for everyone')
    await said(bob, 'Message deleted').waitFor()
    t.equal(await said(bob, 'A slip').count(), 0)
  })

  t.test('pictures with a thumbnail and their progress, voice messages', async t => {
    const held = Promise.withResolvers<void>()
    await page.route('**/api/v1/chat/media', async route => {
      await held.promise
      await route.continue()
    })
    await alice.getByLabel('Attach files').setInputFiles({ name: 'blue.jpg', mimeType: 'image/jpeg', buffer: await picture('steelblue', 800, 600) })
    await alice.locator('.chosen').getByText('blue.jpg').waitFor()
    await write(alice, 'Bob', 'Look')
    await alice.getByRole('progressbar', { name: 'Uploading blue.jpg' }).waitFor()
    held.resolve()
    const shown = said(bob, 'Look').getByRole('img', { name: 'blue.jpg' })
    await shown.waitFor()
    await until(() => shown.evaluate((picture: object) => (picture as { naturalWidth: number }).naturalWidth > 0), () => 'the thumbnail to be drawn')
    await page.unroute('**/api/v1/chat/media')
    await shown.click()
    await bob.getByRole('dialog', { name: 'blue.jpg' }).getByRole('img').waitFor()
    await bob.getByRole('dialog').getByRole('button', { name: 'Close' }).click()

    await bob.getByRole('button', { name: 'Record a voice message' }).click()
    await bob.locator('.recorder .voice-time', { hasText: /0:0[1-9]/ }).waitFor()
    await bob.getByRole('button', { name: 'Send the voice message' }).click()
    await alice.getByRole('button', { name: 'Play the voice message' }).click()
    await alice.locator('.waveform .heard').first().waitFor({ state: 'attached' })
    t.equal(await alice.locator('.waveform rect').count(), 32)
  })

  t.test('a cut line: what is written waits, nothing is missed', async t => {
    await bob.getByRole('button', { name: 'Cut the line' }).click()
    await bob.locator('[data-line="offline"]').waitFor()
    await write(bob, 'Alice', 'Written in the dark')
    await said(bob, 'Written in the dark').and(bob.locator('[data-status="pending"]')).waitFor()
    await write(alice, 'Bob', 'Are you there?')
    await act(alice, 'Hello Bob', 'More', 'Edit')
    await field(alice, 'Bob').fill('Hello Bobby')
    await field(alice, 'Bob').press('Enter')
    await saidExactly(alice, 'Hello Bobby').getByText('edited').waitFor()
    await said(alice, 'Are you there?').and(alice.locator('[data-status="sent"]')).waitFor()
    t.equal(await said(bob, 'Are you there?').count(), 0)

    await bob.getByRole('button', { name: 'Mend the line' }).click()
    await said(bob, 'Are you there?').waitFor()
    await saidExactly(bob, 'Hello Bobby').waitFor()
    await said(alice, 'Written in the dark').waitFor()
    await write(alice, 'Bob', 'So you were away')
    await said(bob, 'So you were away').waitFor()
    await said(bob, 'Written in the dark').and(bob.locator('[data-status="read"]')).waitFor()
    t.strictSame(await texts(bob), await texts(alice))
  })

  t.test('groups, badges, search', async () => {
    const groupId = await makeGroup(parley, 'alice', ['bob', 'carol'], { name: 'Book club' })
    await fill(parley, groupId, 'carol', 160)
    await send(parley, 'carol', groupId, 'The Lighthouse on Thursday?')
    const row = bob.locator('.chat-row[data-chat="Book club"]')
    await until(async () => await row.locator('[data-unread="161"]').count() === 1, async () => `161 unread messages; the list says ${await bob.locator('.lists').innerText()}`)
    await openChat(bob, 'Book club')
    await row.locator('[data-unread]').waitFor({ state: 'detached' })
    await alice.getByRole('searchbox').fill('lighthouse')
    await alice.locator('.result mark', { hasText: 'Lighthouse' }).waitFor()
    await alice.getByRole('searchbox').fill('number 7 ')
    await alice.locator('.result', { hasText: 'number 7' }).last().waitFor()
    await alice.locator('.result', { hasText: /number 7$/ }).click()
    await saidExactly(alice, 'number 7').and(alice.locator(':focus')).waitFor()
    await alice.getByRole('searchbox').fill('')
    await openChat(alice, 'Bob')
    await openChat(bob, 'Alice')
  })

  t.test('blocks', async () => {
    await alice.getByRole('button', { name: 'About this chat' }).click()
    await alice.getByRole('button', { name: 'Block Bob' }).click()
    await alice.getByRole('complementary').getByRole('button', { name: 'Close' }).click()
    await alice.getByText('You have blocked Bob.').waitFor()
    await write(bob, 'Alice', 'Can you hear me?')
    await bob.getByRole('alert').getByText('Not sent').waitFor()
    await alice.getByRole('button', { name: 'Unblock', exact: true }).click()
    await alice.getByText('You have blocked Bob.').waitFor({ state: 'detached' })
    await bob.getByRole('button', { name: 'Try again' }).click()
    await said(alice, 'Can you hear me?').waitFor()
  })

  t.test('nothing that people write becomes markup', async t => {
    const directId = await makeDirect(parley, 'alice', 'bob')
    for (const text of CORPUS) await send(parley, 'bob', directId, text)
    await makeGroup(parley, 'bob', ['alice'], { name: CORPUS[0] })
    for (const text of CORPUS) await saidExactly(alice, text).first().waitFor()
    await alice.locator('.chat-title', { hasText: CORPUS[0] ?? '' }).waitFor()
    await bob.getByLabel('Attach files').setInputFiles({ name: '<img src=x onerror=alert(1)>.txt', mimeType: 'text/plain', buffer: Buffer.from('plain') })
    await field(bob, 'Alice').press('Enter')
    await alice.locator('a.file', { hasText: 'onerror=alert(1)' }).waitFor()
    await act(alice, CORPUS[0] ?? '', 'More', 'Pin')
    await bob.locator('.pinned summary', { hasText: CORPUS[0] ?? '' }).waitFor()
    await act(bob, CORPUS[1] ?? '', 'Reply')
    await write(bob, 'Alice', 'quoting that')
    await said(alice, 'quoting that').locator('.quote', { hasText: CORPUS[1] ?? '' }).waitFor()
    await alice.getByRole('searchbox').fill('onerror')
    await alice.locator('.result mark').first().waitFor()
    for (const window of [alice, bob]) {
      t.equal(await window.locator('body script, .app iframe, .app object, .app embed, .app svg script, .app img[src="x"], .app math, .app style, .app base').count(), 0)
      const links = await window.locator('.messages a').evaluateAll((all: { protocol: string }[]) => [...new Set(all.map(({ protocol }) => protocol))])
      t.ok(links.every((protocol: string) => ['http:', 'https:'].includes(protocol)), `links lead to ${links}`)
    }
    await alice.getByRole('searchbox').fill('')
    t.strictSame(complaints, [], 'nothing ran, and nothing tried to')
  })

  t.test('the keyboard alone', async t => {
    await field(alice, 'Bob').focus()
    await field(alice, 'Bob').press('Shift+Tab')
    await alice.getByLabel('Attach files').press('Shift+Tab')
    await alice.locator('.timeline-frame:focus-within').waitFor()
    const newest = alice.locator('article.message').last()
    await newest.focus()
    await newest.press('ArrowUp')
    const tool = alice.locator('article.message .tools button:focus')
    await until(async () => { // by the links and reactions of the message
      await page.keyboard.press('Tab')
      return await tool.count() === 1
    }, () => 'the tools to be reached')
    await tool.press('Enter')
    await alice.locator('[role=menuitem]:focus').press('ArrowRight')
    t.equal(await alice.locator('[role=menuitem]:focus').getAttribute('aria-label'), 'Heart')
    await alice.locator('[role=menuitem]:focus').press('Escape')
    await alice.locator('.tools button[aria-expanded=false]:focus').waitFor()
    await field(alice, 'Bob').focus()
    await write(alice, 'Bob', 'by keyboard')
    await bob.locator('[aria-live=polite]', { hasText: 'Alice: by keyboard' }).waitFor({ state: 'attached' })
    await saidExactly(alice, 'by keyboard').and(alice.locator('[data-status=read]')).waitFor()
    await field(alice, 'Bob').press('ArrowUp')
    await until(async () => await field(alice, 'Bob').inputValue() === 'by keyboard', () => 'the last one, to be edited')
    await field(alice, 'Bob').press('Escape')
    await until(async () => await field(alice, 'Bob').inputValue() === '', () => 'nothing to be edited any more')
  })

  t.test('on a phone, dark: a list, a chat, history that loads while scrolling, and the way back', async t => {
    const { page, complaints } = await openPage(browser, `${parley.url}/?as=carol`, { viewport: { width: 390, height: 780 }, colorScheme: 'dark' })
    await openChat(page, 'Book club')
    t.notOk(await page.locator('.sidebar').isVisible())
    await said(page, 'The Lighthouse on Thursday?').waitFor()
    t.equal(await saidExactly(page, 'number 0').count(), 0, 'not all of the history comes at once')
    await until(async () => {
      await page.locator('article.message').first().scrollIntoViewIfNeeded()
      return await saidExactly(page, 'number 0').count() === 1
    }, async () => `the first message; there are ${await page.locator('article.message').count()}`)
    t.equal(await page.locator('article.message').count(), 161)
    await accessible(t, page, 'a chat on a phone, dark')
    await page.getByRole('link', { name: 'All chats' }).click()
    await page.locator('.sidebar').waitFor()
    t.notOk(await page.locator('.conversation').isVisible())
    await accessible(t, page, 'the list on a phone, dark')
    t.equal(await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth'), 0, 'nothing lies beyond the edge')
    t.strictSame(complaints, [])
  })

  t.test('no barrier that axe knows of', async t => {
    await accessible(t, page, 'two people')
    const { page: again } = await openPage(browser, `${parley.url}/?as=alice`)
    await openChat(again, 'Bob')
    await again.getByRole('button', { name: 'About this chat' }).click()
    await said(again, 'by keyboard').first().locator('.bubble').hover()
    await again.locator('.conversation-header .presence[data-presence="ONLINE"]').waitFor()
    await accessible(t, again, 'a chat and what it is about')
    await again.getByRole('button', { name: 'New chat' }).click()
    await again.getByRole('dialog').waitFor()
    await accessible(t, again, 'a new chat')
  })

  t.test('what operators look at: figures that move, reports to deal with, and nothing for a user', async t => {
    const { page: admin, complaints } = await openPage(browser, `${parley.url}/admin`)
    const enter = async (token: string) => {
      await admin.getByLabel('Token').fill(token)
      await admin.getByRole('button', { name: 'Open' }).click()
    }
    await accessible(t, admin, 'the door')
    await enter(parley.token('alice'))
    await admin.getByRole('alert').getByText('not an administrator').waitFor()
    t.equal(await admin.locator('.tile').count(), 0)

    await enter(parley.token('root', { role: 'admin' }))
    await admin.locator('[data-state="live"]').waitFor()
    const total = async (tile: string) => Number((await admin.locator(`[data-tile="${tile}"] .more`).innerText()).replace(/\D/g, ''))
    const [sends, deliveries] = [await total('sends'), await total('deliveries')]
    await write(alice, 'Bob', 'counted')
    await until(async () => await total('sends') === sends + 1 && await total('deliveries') >= deliveries + 2, async () => `one send and two deliveries more than ${sends} and ${deliveries}, not ${await total('sends')} and ${await total('deliveries')}`)
    await admin.getByRole('row', { name: /Book club group 161 3/ }).waitFor()
    await admin.getByText('Everybody takes what they are sent.').waitFor()

    await act(alice, 'quoting that', 'More', 'Report')
    await alice.getByLabel('What is wrong with it?').fill('<b>rude</b>')
    await alice.getByRole('button', { name: 'Report', exact: true }).click()
    await admin.locator('[data-open-reports="1"]').waitFor()
    await admin.locator('.reports li', { hasText: '“<b>rude</b>”' }).waitFor()
    await accessible(t, admin, 'the figures')
    await admin.getByRole('button', { name: 'Delete the message' }).click()
    await admin.getByText('Nothing is waiting.').waitFor()
    await said(alice, 'quoting that').waitFor({ state: 'detached' })
    t.strictSame(complaints, [])
  })

  if (process.env.SCREENSHOTS === 'on') t.test('the pictures of the README', t => takeScreenshots(t, browser))

  t.test('it has complained of nothing', async t => { t.strictSame(complaints, []) })
}

t.test('a token for its people, and for nobody else', async t => {
  const ask = (userId: string) => fetch(`${parley.url}/demo/token`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ userId }) })
  const { token } = await (await ask('alice')).json() as { token: string }
  t.match(await parley.app.verifyToken(token), { userId: 'alice', displayName: 'Alice', role: null })
  t.equal((await ask('somebody')).status, 400)
})

t.test('where DEMO is off there is none of it', async t => {
  const { url } = await startParley(t)
  for (const path of ['/', '/pages/chat.js', '/pages/chat.css']) t.equal((await fetch(`${url}${path}`)).status, 404)
  t.equal((await fetch(`${url}/demo/token`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"userId":"alice"}' })).status, 404)
})

t.end()
