import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { count, when } from '../kit/format.ts'
import { html } from '../kit/html.ts'
import { useTry } from './notices.ts'
import { hashOf } from './route.ts'
import { nameIn, useChat, type Chat } from './session.ts'

type Page = Awaited<ReturnType<Chat['search']>>

const AFTER_TYPING_MS = 200

/** What the server finds in all my chats, newest first; what has matched is marked. */
export function SearchResults ({ query }: { query: string }): VNode {
  const chat = useChat()
  const attempt = useTry()
  const [page, setPage] = useState<Page | null>(null)

  useEffect(() => {
    let isCurrent = true
    const timer = setTimeout(() => {
      attempt(chat.search(query, { limit: 30 }).then(found => { if (isCurrent) setPage(found) }))
    }, AFTER_TYPING_MS)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [chat, query])

  const more = (cursor: string): void => attempt(chat.search(query, { limit: 30, cursor }).then(next => setPage({ ...next, data: [...page?.data ?? [], ...next.data] })))

  return html`
    <section class="results" aria-label="Found">
      <p class="results-count" role="status">${page === null ? 'Searching…' : page.data.length === 0 ? 'Nothing found' : `${count(page.data.length, 'message')}${page.nextCursor ? ' and more' : ''}`}</p>
      <ul>
        ${page?.data.map(({ message, snippet }) => html`
          <li key=${message.id}>
            <a class="result" href=${hashOf(message.chatId, message.seq)}>
              <span class="chat-row-top"><span class="chat-title">${chat.chat(message.chatId)?.title ?? 'Chat'}</span><time datetime=${message.createdAt}>${when(message.createdAt)}</time></span>
              <span class="snippet">${nameIn(chat, message.senderId)}: ${snippet.map(({ text, match }) => match ? html`<mark>${text}</mark>` : text)}</span>
            </a>
          </li>`)}
      </ul>
      ${page?.nextCursor && html`<button type="button" class="button plain" onClick=${() => more(page.nextCursor ?? '')}>More</button>`}
    </section>`
}
