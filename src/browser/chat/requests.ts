import type { VNode } from 'preact'
import { html } from '../kit/html.ts'
import { Avatar } from './avatar.ts'
import { summaryOf } from './message-text.ts'
import { useTry } from './notices.ts'
import { goTo } from './route.ts'
import { nameIn, useChat } from './session.ts'

/** Who asks to talk to me, and chats that I am asked into. */
export function Requests (): VNode | null {
  const chat = useChat()
  const attempt = useTry()
  const requests = chat.requests()
  const invitations = chat.invitations()
  if (requests.length + invitations.length === 0) return null

  const accept = (chatId: string): void => attempt(chat.accept(chatId).then(() => goTo(chatId)))
  const answers = (chatId: string, title: string): VNode => html`
    <span class="answers">
      <button type="button" class="button small" aria-label=${`Accept ${title}`} onClick=${() => accept(chatId)}>Accept</button>
      <button type="button" class="button small plain" aria-label=${`Decline ${title}`} onClick=${() => attempt(chat.reject(chatId))}>Decline</button>
    </span>`

  return html`
    <section class="requests" aria-label="Requests">
      <h2>Requests</h2>
      <ul>
        ${requests.map(({ id, title, otherId, lastMessage }) => html`
          <li key=${id} data-request=${title}>
            <${Avatar} id=${otherId ?? id} name=${title} isGroup=${otherId === null} />
            <span class="request-text"><strong>${title}</strong><span class="preview">${lastMessage ? summaryOf(chat, lastMessage) : 'wants to talk to you'}</span></span>
            ${answers(id, title)}
          </li>`)}
        ${invitations.map(({ chatId, chat: group, membership }) => html`
          <li key=${chatId} data-request=${group?.name ?? ''}>
            <${Avatar} id=${chatId} name=${group?.name ?? '?'} isGroup />
            <span class="request-text"><strong>${group?.name ?? 'A group'}</strong><span class="preview">${membership.invitedById ? `${nameIn(chat, membership.invitedById)} invites you` : 'You are invited'}</span></span>
            ${answers(chatId, group?.name ?? 'the invitation')}
          </li>`)}
      </ul>
    </section>`
}
