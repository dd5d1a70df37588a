// What somebody does at the page to look at, in the words of who sees it.
import { setTimeout as after } from 'node:timers/promises'
import type { Frame, Locator, Page } from 'playwright-core'
import { PATIENCE_MS } from './chromium.ts'

export type Window = Page | Frame

/** Where one writes to a chat. */
export const field = (window: Window, title: string): Locator => window.getByRole('textbox', { name: `Message to ${title}` })

/** A message, by what stands in it. */
export const said = (window: Window, text: string): Locator => window.locator('article.message').filter({ hasText: text })

/** A message of which this is all. */
export const saidExactly = (window: Window, text: string): Locator => window.locator('article.message').filter({ has: window.locator('.text').getByText(text, { exact: true }) })

export async function write (window: Window, title: string, text: string): Promise<void> {
  await field(window, title).fill(text)
  await field(window, title).press('Enter')
}

export async function openChat (window: Window, title: string): Promise<void> {
  await window.locator(`.chat-row[data-chat="${title}"]`).click()
  await field(window, title).waitFor()
}

/** By the tools of a message: a button, or a menu and what to pick there. */
export async function act (window: Window, text: string, tool: string, item?: string): Promise<void> {
  const message = said(window, text).first()
  await message.locator('.bubble').hover()
  await message.getByRole('button', { name: tool, exact: true }).click()
  if (item !== undefined) await message.getByRole('menuitem', { name: item, exact: true }).click()
}

/** Everything that stands in the chat that is open, in its order. */
export const texts = (window: Window): Promise<string[]> => window.locator('article.message .text').allTextContents()

/** @throws what is the case, when it does not come about */
export async function until (is: () => Promise<boolean>, what: () => string | Promise<string>): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  while (!await is()) {
    if (Date.now() > end) throw new Error(`Waited in vain: ${await what()}`)
    await after(50)
  }
}
