// The pictures of the README, made when they are asked for (SCREENSHOTS=on): a conversation as people have it.
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import sharp from 'sharp'
import type { Browser, Page } from 'playwright-core'
import type { Test } from 'tap'
import { field, openChat, said, write } from './chat-page.ts'
import { frameOf, openPage } from './chromium.ts'
import { request } from './live.ts'
import { uploadOne } from './media.ts'
import { startParley } from './parley.ts'
import { makeDirect, makeGroup, send, sendAny } from './world.ts'

const FOLDER = join(import.meta.dirname, '../../docs/images')

/** An evening by the sea, drawn: nobody's photograph. */
const EVENING = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="800" height="520"><defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="#f7c9a0"/><stop offset=".55" stop-color="#e98f7a"/>
  <stop offset="1" stop-color="#7d6a94"/></linearGradient></defs><rect width="800" height="520" fill="url(#s)"/><circle cx="560" cy="250" r="62" fill="#fff0cf"/><rect y="330" width="800" height="190" fill="#3d5170"/>
  <path d="M0 350q100-26 200 0t200 0 200 0 200 0v170H0z" fill="#33455f"/><path d="M0 400q100-22 200 0t200 0 200 0 200 0v120H0z" fill="#2a3a51"/></svg>`)

export async function takeScreenshots (t: Test, browser: Browser): Promise<void> {
  const parley = await startParley(t, { DEMO: 'on' })
  const [direct, group] = [await makeDirect(parley, 'alice', 'bob'), await makeGroup(parley, 'carol', ['alice', 'bob', 'dave'], { name: 'Saturday walk' })]
  for (const [name, more] of Object.entries({ alice: 'Alice', bob: 'Bob', carol: 'Carol', dave: 'Dave' })) await fetch(`${parley.url}/api/v1/chat/me`, { headers: { authorization: `Bearer ${parley.token(name, { name: more })}` } })
  await send(parley, 'dave', group, 'I can drive, there is room for three.')
  await send(parley, 'carol', group, 'Nine o’clock at the station?')
  const asked = await send(parley, 'bob', direct, 'Did you get to the sea after all?')
  await send(parley, 'alice', direct, 'Just in time for the sunset.')
  const file = await uploadOne(parley, 'alice', direct, { name: 'evening.jpg', bytes: await sharp(EVENING).jpeg().toBuffer() })
  const { message } = await sendAny(parley, 'alice', direct, { attachmentIds: [file.id], content: 'Look at this', replyToId: asked.id })
  await request(parley, 'bob', 'POST', `/messages/${message.id}/reactions`, { emoji: '😮' })
  await request(parley, 'alice', 'POST', `/messages/${message.id}/reactions`, { emoji: '😮' })
  await request(parley, 'bob', 'POST', `/messages/${message.id}/reactions`, { emoji: '❤️' })

  const { page } = await openPage(browser, `${parley.url}/`, { viewport: { width: 1360, height: 760 } })
  const [alice, bob] = [await frameOf(page, 'alice'), await frameOf(page, 'bob')]
  await openChat(alice, 'Bob')
  await openChat(bob, 'Alice')
  await write(bob, 'Alice', 'Worth the drive. Next time I am coming.')
  await said(alice, 'Worth the drive').waitFor()
  await field(alice, 'Bob').pressSequentially('Saturday')
  await bob.locator('.conversation-header .typing-text').waitFor()
  await save(page, 'chat')

  const { page: phone } = await openPage(browser, `${parley.url}/?as=bob`, { viewport: { width: 390, height: 760 }, colorScheme: 'dark' })
  await openChat(phone, 'Alice')
  await said(phone, 'Worth the drive').waitFor()
  await phone.locator('.picture img').evaluate((picture: object) => (picture as { decode: () => Promise<void> }).decode())
  await save(phone, 'phone')

  await request(parley, 'bob', 'POST', `/messages/${(await send(parley, 'dave', group, 'Buy my course, it is only 499')).id}/report`, { reason: 'Advertising' })
  const { page: admin } = await openPage(browser, `${parley.url}/admin`, { viewport: { width: 1180, height: 720 } })
  await admin.getByLabel('Token').fill(parley.token('root', { role: 'admin' }))
  await admin.getByRole('button', { name: 'Open' }).click()
  await admin.locator('[data-state="live"]').waitFor()
  const points = async () => (await admin.locator('[data-tile="sends"] polyline').getAttribute('points', { timeout: 100 }).catch(() => ''))?.split(' ').length ?? 0
  for (let n = 0; await points() < 12; n++) {
    await send(parley, n % 3 ? 'carol' : 'dave', group, `and then ${n}`)
    await after(40 + 30 * Math.sin(n / 25)) // as much as people would write
  }
  await save(admin, 'admin')
}

/** Small: few colours, which is what a page has. */
async function save (page: Page, name: string): Promise<void> {
  await sharp(await page.screenshot()).png({ palette: true, quality: 85, effort: 9 }).toFile(join(FOLDER, `${name}.png`))
}
