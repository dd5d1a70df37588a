import type { VNode } from 'preact'
import { count, when } from '../kit/format.ts'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import { Avatar, presenceOf, presenceText } from './avatar.ts'
import { summaryOf } from './message-text.ts'
import { hashOf } from './route.ts'
import { nameIn, useChat, type Chat, type ChatSummary } from './session.ts'

/** A chat in the list: a link, so that the keyboard, a new tab and the way back work by themselves. */
export function ChatRow ({ summary, isOpen }: { summary: ChatSummary, isOpen: boolean }): VNode {
  const chat = useChat()
  const { id, title, otherId, head, unreadCount, mentionCount, muted, pinned, membership } = summary
  const status = otherId === null ? undefined : presenceOf(chat, otherId)
  return html`
    <li>
      <a class="chat-row" href=${hashOf(id)} aria-current=${isOpen ? 'page' : undefined} data-chat=${title}>
        <${Avatar} id=${otherId ?? id} name=${title} isGroup=${otherId === null} status=${status} />
        <span class="chat-row-text">
          <span class="chat-row-top">
            <span class="chat-title">${title}</span>
            ${status !== undefined && status !== 'OFFLINE' && html`<span class="sr-only">, ${presenceText(status)}</span>`}
            ${pinned && html`<span class="mark"><${Icon} name="pin" /><span class="sr-only">pinned</span></span>`}
            ${head.lastMessageAt && html`<time datetime=${head.lastMessageAt}>${when(head.lastMessageAt)}</time>`}
          </span>
          <span class="chat-row-bottom">
            <span class="preview">${preview(chat, summary)}</span>
            ${mentionCount > 0 && html`<span class="badge" aria-hidden="true">@</span>`}
            ${unreadCount > 0
              ? html`<span class=${`badge ${muted ? 'quiet' : ''}`} data-unread=${unreadCount}><span aria-hidden="true">${unreadCount > 99 ? '99+' : unreadCount}</span><span class="sr-only">, ${count(unreadCount, 'unread message')}</span></span>`
              : membership?.markedUnread && html`<span class="badge dot"><span class="sr-only">, marked as unread</span></span>`}
          </span>
        </span>
      </a>
    </li>`
}

function preview (chat: Chat, { typing, lastMessage, type }: ChatSummary): VNode | string {
  if (typing.length > 0) return html`<span class="typing-text">${typing.length > 1 ? `${typing.length} are typing…` : type === 'DIRECT' ? 'typing…' : `${nameIn(chat, typing[0] ?? null)} is typing…`}</span>`
  if (!lastMessage) return 'No messages yet'
  const text = summaryOf(chat, lastMessage)
  if (lastMessage.type === 'SYSTEM' || lastMessage.deletedAt) return text
  const mine = lastMessage.senderId === chat.userId
  return type === 'DIRECT' && !mine ? text : `${nameIn(chat, lastMessage.senderId)}: ${text}`
}
