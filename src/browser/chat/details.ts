import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { nameOf, PEOPLE } from '../../demo/people.ts'
import { html } from '../kit/html.ts'
import { Icon, type IconName } from '../kit/icons.ts'
import { Avatar, presenceOf, presenceText } from './avatar.ts'
import { capital } from './message-text.ts'
import { useTry } from './notices.ts'
import { goTo } from './route.ts'
import { nameIn, useChat, type ChatSummary } from './session.ts'

const MUTED_UNTIL = '9999-12-31T00:00:00.000Z'

/** About the chat that is open: my settings of it, who is in it, the way out. */
export function Details ({ summary, onClose }: { summary: ChatSummary, onClose: () => void }): VNode {
  const chat = useChat()
  const attempt = useTry()
  const { id, title, otherId, pinned, muted, archived } = summary
  const isBlocked = otherId !== null && chat.blocks.has(otherId)

  const action = (label: string, icon: IconName, carryOut: () => Promise<unknown>, kind = ''): VNode => html`
    <li><button type="button" class=${`action ${kind}`} onClick=${() => attempt(carryOut())}><${Icon} name=${icon} />${label}</button></li>`

  return html`
    <aside class="details" aria-label=${`About ${title}`}>
      <header>
        <h2>About</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button>
      </header>
      <div class="details-who">
        <${Avatar} id=${otherId ?? id} name=${title} isGroup=${otherId === null} />
        <p class="details-title">${title}</p>
        ${otherId !== null && html`<p class="subtitle">${capital(presenceText(presenceOf(chat, otherId)))}</p>`}
      </div>
      ${otherId === null && html`<${Members} summary=${summary} />`}
      <ul class="actions">
        ${action(pinned ? 'Unpin from the top' : 'Pin to the top', 'pin', () => chat.setMembership(id, { pinned: !pinned }))}
        ${action(muted ? 'Unmute' : 'Mute', 'bell', () => chat.setMembership(id, { mutedUntil: muted ? null : MUTED_UNTIL }))}
        ${action('Mark as unread', 'info', () => chat.setMembership(id, { markedUnread: true }).then(() => goTo(null)))}
        ${action(archived ? 'Take out of the archive' : 'Archive', 'archive', () => chat.setMembership(id, { archived: !archived }))}
        ${otherId === null
          ? action('Leave the group', 'back', () => chat.leave(id).then(() => goTo(null)), 'danger')
          : isBlocked
            ? action(`Unblock ${title}`, 'block', () => chat.unblock(otherId))
            : action(`Block ${title}`, 'block', () => chat.block(otherId), 'danger')}
      </ul>
    </aside>`
}

function Members ({ summary: { id, participants } }: { summary: ChatSummary }): VNode {
  const chat = useChat()
  const attempt = useTry()
  const [isAdding, setAdding] = useState(false)
  const others = PEOPLE.filter(person => !participants.has(person))
  return html`
    <section aria-label="Members">
      <h3>Members</h3>
      <ul class="people">
        ${[...participants.values()].map(({ userId, role }) => html`
          <li key=${userId} class="person">
            <${Avatar} id=${userId} name=${chat.user(userId).displayName ?? userId} status=${presenceOf(chat, userId)} />
            <span>${nameIn(chat, userId)}</span><span class="sr-only">, ${presenceText(presenceOf(chat, userId))}</span>
            ${role !== 'MEMBER' && html`<span class="role">${role.toLowerCase()}</span>`}
          </li>`)}
      </ul>
      ${others.length > 0 && html`
        <button type="button" class="action" aria-expanded=${isAdding} onClick=${() => setAdding(!isAdding)}><${Icon} name="plus" />Add somebody</button>
        ${isAdding && html`<ul class="people">${others.map(person => html`
          <li><button type="button" class="person" onClick=${() => attempt(chat.addParticipants(id, [person]))}><${Avatar} id=${person} name=${nameOf(person)} />${nameOf(person)}</button></li>`)}</ul>`}`}
    </section>`
}
