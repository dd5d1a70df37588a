// Pages of ours in a real browser: CHROMIUM, or the `chromium` of the PATH (Debian's package).
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser, type BrowserContextOptions, type Frame, type Page } from 'playwright-core'
import type { Test } from 'tap'

/** A page that does not come to what is waited for has this long: the machine may be at many things. */
export const PATIENCE_MS = 40_000

const FLAGS = ['--no-sandbox', '--disable-background-networking', '--disable-dev-shm-usage', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

function findChromium (): string | undefined {
  if (process.env.CHROMIUM) return process.env.CHROMIUM
  return (process.env.PATH ?? '').split(delimiter).map(dir => join(dir, 'chromium')).find(existsSync)
}

/** null: there is none, and the test says so loudly. */
export async function launchChromium (t: Pick<Test, 'teardown'>): Promise<Browser | null> {
  const executablePath = findChromium()
  if (executablePath === undefined) {
    console.error('\n*** There is no Chromium here (CHROMIUM, or chromium on the PATH): the pages are NOT tested in a browser ***\n')
    return null
  }
  const browser = await chromium.launch({ executablePath, args: FLAGS, timeout: PATIENCE_MS })
  t.teardown(() => browser.close())
  return browser
}

/** A page in a browser of its own, and all that it complains about: errors, what its policy forbids, dialogs that somebody has opened. */
export async function openPage (browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<{ page: Page, complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error.stack)))
  page.on('console', message => { if (['error', 'warning'].includes(message.type()) && !/^Failed to load resource/.test(message.text())) complaints.push(message.text()) })
  page.on('dialog', dialog => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.goto(url)
  return { page, complaints }
}

/** One of the two people of the page. */
export async function frameOf (page: Page, person: string): Promise<Frame> {
  const element = await page.locator(`iframe[src="/?as=${person}"]`).elementHandle()
  const frame = await element?.contentFrame()
  if (!frame) throw new Error(`${person} is not there`)
  await frame.locator('[data-line="live"]').waitFor()
  return frame
}
