import type { VNode } from 'preact'
import { html } from '../kit/html.ts'
import { useTry } from './notices.ts'
import { goTo } from './route.ts'
import { useChat, type ChatSummary } from './session.ts'

/** Where two people stand to each other, if there is something to do about it: a request, a block. */
export function Standing ({ summary: { id, otherId, title, request } }: { summary: ChatSummary }): VNode | null {
  const chat = useChat()
  const attempt = useTry()
  const bar = (text: string, ...buttons: VNode[]): VNode => html`<div class="standing" role="group" aria-label=${text}><p>${text}</p>${buttons}</div>`

  if (otherId !== null && chat.blocks.has(otherId)) {
    return bar(`You have blocked ${title}.`, html`<button type="button" class="button small" onClick=${() => attempt(chat.unblock(otherId))}>Unblock</button>`)
  }
  if (request === 'received') {
    return bar(
      `${title} asks to talk to you.`,
      html`<button type="button" class="button small" onClick=${() => attempt(chat.accept(id))}>Accept</button>`,
      html`<button type="button" class="button small plain" onClick=${() => attempt(chat.reject(id).then(() => goTo(null)))}>Decline</button>`
    )
  }
  return request === 'sent' ? bar(`${title} has not accepted yet. You can send up to three messages.`) : null
}
