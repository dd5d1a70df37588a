import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { nameOf, type Person } from '../../demo/people.ts'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import { Avatar, presenceOf } from './avatar.ts'
import { ChatRow } from './chat-row.ts'
import { ConnectionLight } from './connection-light.ts'
import { NewChat } from './new-chat.ts'
import { useTry } from './notices.ts'
import { Requests } from './requests.ts'
import { SearchResults } from './search-results.ts'
import { useChat } from './session.ts'

const STATUSES = { ONLINE: 'Online', AWAY: 'Away', BUSY: 'Busy', INVISIBLE: 'Invisible' } as const
type Status = keyof typeof STATUSES

/** Who I am, how the line is, my chats; or what I look for. */
export function Sidebar ({ userId, chatId }: { userId: Person, chatId: string | null }): VNode {
  const chat = useChat()
  const attempt = useTry()
  const [query, setQuery] = useState('')
  const [isMaking, setMaking] = useState(false)
  const [showArchived, setShowArchived] = useState(false)
  const chats = chat.chats()
  const archived = chat.chats({ archived: true }).filter(each => each.archived)
  const status = presenceOf(chat, userId)
  const isSearching = query.trim() !== ''

  return html`
    <div class="sidebar">
      <header class="me">
        <${Avatar} id=${userId} name=${nameOf(userId)} />
        <div class="me-name">
          <h1>${nameOf(userId)}</h1>
          <select class="status" aria-label="My status" value=${status in STATUSES ? status : 'ONLINE'} onChange=${(event: Event) => attempt(chat.setPresence((event.target as HTMLSelectElement).value as Status))}>
            ${Object.entries(STATUSES).map(([value, name]) => html`<option value=${value}>${name}</option>`)}
          </select>
        </div>
        <${ConnectionLight} />
      </header>
      <search class="find">
        <label class="find-field">
          <${Icon} name="search" />
          <input type="search" placeholder="Search messages" aria-label="Search messages" value=${query} onInput=${(event: Event) => setQuery((event.target as HTMLInputElement).value)} />
        </label>
        <button type="button" class="icon-button" aria-label="New chat" title="New chat" onClick=${() => setMaking(true)}><${Icon} name="plus" /></button>
      </search>
      <div class="lists">
        ${isSearching
          ? html`<${SearchResults} query=${query.trim()} />`
          : html`
            <${Requests} />
            <nav aria-label="Chats">
              <ul class="chats">${chats.map(summary => html`<${ChatRow} key=${summary.id} summary=${summary} isOpen=${summary.id === chatId} />`)}</ul>
              ${archived.length > 0 && html`
                <button type="button" class="fold" aria-expanded=${showArchived} onClick=${() => setShowArchived(!showArchived)}><${Icon} name="archive" />Archived (${archived.length})</button>
                ${showArchived && html`<ul class="chats">${archived.map(summary => html`<${ChatRow} key=${summary.id} summary=${summary} isOpen=${summary.id === chatId} />`)}</ul>`}`}
            </nav>`}
      </div>
      ${isMaking && html`<${NewChat} userId=${userId} onClose=${() => setMaking(false)} />`}
    </div>`
}
