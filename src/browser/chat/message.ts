import type { VNode } from 'preact'
import { clock, inFull } from '../kit/format.ts'
import { html, memo } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import { Attachments } from './attachments.ts'
import { Avatar } from './avatar.ts'
import type { Intent } from './conversation.ts'
import { linked, summaryOf } from './message-text.ts'
import { MessageTools } from './message-tools.ts'
import { useTry } from './notices.ts'
import { hashOf } from './route.ts'
import { nameIn, useChat, type Chat, type LocalMessage } from './session.ts'
import { Ticks } from './ticks.ts'
import { Uploads } from './uploads.ts'

interface MessageProps {
  message: LocalMessage
  name: string
  isMine: boolean
  isDirect: boolean
  /** Of those of one person that stand together. */
  isFirst: boolean
  isLast: boolean
  quoted: ReturnType<Chat['message']> | null
  /** Its tools are shown. */
  isActive: boolean
  /** By the Tab key. */
  isReachable: boolean
  isFlashed: boolean
  onActive: (key: string) => void
  onIntent: (intent: Intent) => void
}

/** Then they stay where they are, wherever the pointer goes. */
export const isAtTools = (): boolean => document.activeElement?.closest('.tools') != null

export const MessageItem = memo((props: MessageProps): VNode => {
  const { message, name, isMine, isDirect, isFirst, isLast, isActive, isReachable, isFlashed, onActive, onIntent } = props
  const side = isMine ? 'mine' : 'theirs'
  const showsName = !isMine && !isDirect && isFirst
  return html`
    <li class=${`message-row ${side} ${isFirst ? 'first' : ''} ${isLast ? 'last' : ''}`} onPointerEnter=${() => { if (!isAtTools()) onActive(message.key) }} onFocusIn=${() => onActive(message.key)}>
      ${!isMine && !isDirect && html`<span class="message-avatar">${isLast && html`<${Avatar} id=${message.senderId ?? ''} name=${name} />`}</span>`}
      <article class=${`message ${isFlashed ? 'flashed' : ''}`} tabindex=${isReachable ? 0 : -1} aria-label=${`${name}, ${clock(message.createdAt)}`} data-seq=${message.seq} data-status=${message.status}>
        <div class="bubble">
          ${showsName && html`<p class="sender">${name}</p>`}
          <${Quote} ...${props} />
          <${Body} message=${message} />
          <p class="meta">
            ${message.pinned && html`<span class="mark"><${Icon} name="pin" /><span class="sr-only">pinned</span></span>`}
            ${message.editedAt && !message.deletedAt && html`<span>edited</span>`}
            <time datetime=${message.createdAt} title=${inFull(message.createdAt)}>${clock(message.createdAt)}</time>
            ${message.status && html`<${Ticks} status=${message.status} />`}
          </p>
        </div>
        <${Reactions} message=${message} />
        ${message.status === 'failed' && html`<${Failed} message=${message} />`}
        ${isActive && message.id !== '' && !message.deletedAt && !message.fromBlocked && html`<${MessageTools} message=${message} isMine=${isMine} onIntent=${onIntent} />`}
      </article>
    </li>`
})

function Body ({ message }: { message: LocalMessage }): VNode {
  if (message.deletedAt) return html`<p class="text gone">Message deleted</p>`
  if (message.fromBlocked) return html`<p class="text gone">From somebody whom you have blocked</p>`
  return html`
    ${message.attachments.length > 0 && html`<${Attachments} attachments=${message.attachments} />`}
    ${message.uploads && html`<${Uploads} uploads=${message.uploads} />`}
    ${message.content !== null && html`<p class=${`text ${isEmojiAlone(message.content) ? 'large' : ''}`} dir="auto">${linked(message.content).map(({ text, href }) =>
      href === undefined ? text : html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow">${text}</a>`)}</p>`}`
}

const isEmojiAlone = (text: string): boolean => /^\p{RGI_Emoji}{1,3}$/v.test(text)

function Quote ({ message, quoted }: MessageProps): VNode | null {
  const chat = useChat()
  if (!message.replyTo || message.deletedAt) return null
  const isThere = quoted && !('unavailable' in quoted)
  return html`
    <a class="quote" href=${hashOf(message.chatId, message.replyTo.seq)}>
      <strong>${isThere ? nameIn(chat, quoted.senderId) : 'Earlier'}</strong>
      <span>${isThere ? summaryOf(chat, quoted) : quoted ? 'This message is not here any more' : '…'}</span>
    </a>`
}

function Reactions ({ message }: { message: LocalMessage }): VNode | null {
  const chat = useChat()
  const attempt = useTry()
  if (message.reactions.length === 0) return null
  return html`
    <ul class="reactions" aria-label="Reactions">
      ${message.reactions.map(({ emoji, count, userIds, mine }) => {
        const isMine = mine ?? (chat.userId !== null && userIds.includes(chat.userId))
        const who = userIds.map(userId => nameIn(chat, userId)).join(', ')
        return html`<li key=${emoji}><button type="button" class="reaction" aria-pressed=${isMine} aria-label=${`${emoji} ${count}: ${who}`} title=${who}
          onClick=${() => attempt(isMine ? chat.unreact(message.id, emoji) : chat.react(message.id, emoji))}><span>${emoji}</span><span>${count}</span></button></li>`
      })}
    </ul>`
}

function Failed ({ message }: { message: LocalMessage }): VNode {
  const chat = useChat()
  return html`
    <p class="failed" role="alert">Not sent: ${message.error?.message ?? 'something went wrong'}
      <button type="button" class="link" onClick=${() => chat.retry(message)}>Try again</button>
      <button type="button" class="link" onClick=${() => chat.discard(message)}>Discard</button>
    </p>`
}
