import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { day } from '../kit/format.ts'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import type { Intent } from './conversation.ts'
import { isAtTools, MessageItem } from './message.ts'
import { systemText } from './message-text.ts'
import { useTry } from './notices.ts'
import type { Route } from './route.ts'
import { nameIn, useChat, type ChatSummary, type LocalMessage } from './session.ts'

/** Messages of one person that follow each other within this time stand together. */
const TOGETHER_MS = 5 * 60_000
/** Older messages are asked for when their end is this near. */
const AHEAD = '600px 0px 0px 0px'
/** Below this distance from the end somebody has read what is there. */
const AT_END_PX = 48

interface TimelineProps { summary: ChatSummary, route: Route, onIntent: (intent: Intent) => void }

/**
 * The messages. The list is laid out from its end (`column-reverse`), so that it begins at the newest, stays there, and does not jump
 * when older ones come in above.
 */
export function Timeline ({ summary, route, onIntent }: TimelineProps): VNode {
  const chat = useChat()
  const attempt = useTry()
  const scroller = useRef<HTMLDivElement>(null)
  const top = useRef<HTMLDivElement>(null)
  const isLoading = useRef(false)
  const [isAtEnd, setAtEnd] = useState(true)
  const [active, setActive] = useState<string | null>(null)
  const [flashed, setFlashed] = useState<number | null>(null)
  const { id, head, hasOlder } = summary
  const [unreadFrom] = useState(() => summary.unreadCount > 0 ? head.readSeq : null)
  const messages = chat.messages(id)

  useEffect(() => {
    if (!hasOlder || !top.current) return
    const observer = new IntersectionObserver(([entry]) => {
      if (!entry?.isIntersecting || isLoading.current) return
      isLoading.current = true
      attempt(chat.loadOlder(id).finally(() => { isLoading.current = false }))
    }, { root: scroller.current, rootMargin: AHEAD })
    observer.observe(top.current)
    return () => observer.disconnect()
  }, [chat, id, hasOlder, messages[0]?.key]) // anew after each page: it may not have filled the window

  useEffect(() => {
    const read = (): void => {
      const { head, request } = chat.chat(id) ?? summary
      if (isAtEnd && request !== 'received' && document.visibilityState === 'visible' && head.lastSeq > head.readSeq) attempt(chat.markRead(id))
    }
    read()
    document.addEventListener('visibilitychange', read)
    return () => document.removeEventListener('visibilitychange', read)
  }, [chat, id, isAtEnd, head.lastSeq, head.readSeq, summary.request])

  useEffect(() => {
    const { seq } = route
    if (seq === null || route.chatId !== id) return
    attempt(chat.loadUntil(id, seq).then(() => setFlashed(seq)))
  }, [chat, id, route])

  useEffect(() => {
    if (flashed === null) return
    const target = scroller.current?.querySelector<HTMLElement>(`[data-seq="${flashed}"]`)
    target?.scrollIntoView({ block: 'center' })
    target?.focus({ preventScroll: true })
    const timer = setTimeout(() => setFlashed(null), 2_500)
    return () => clearTimeout(timer)
  }, [flashed])

  const toEnd = (): void => { scroller.current?.scrollTo({ top: 0 }) }
  const newest = messages.at(-1)
  useEffect(() => { if (newest?.status === 'pending') toEnd() }, [newest?.key])

  /** One message can be reached by Tab, the others from there. */
  const onKeyDown = (event: KeyboardEvent): void => {
    const all = [...scroller.current?.querySelectorAll<HTMLElement>('article.message') ?? []]
    const at = all.indexOf(event.target as HTMLElement)
    if (at < 0) return
    const next = { ArrowUp: all[at - 1], ArrowDown: all[at + 1], Home: all[0], End: all.at(-1) }[event.key]
    if (!next) return
    event.preventDefault()
    next.focus()
  }

  const reachable = active !== null && messages.some(({ key }) => key === active) ? active : messages.at(-1)?.key
  return html`
    <div class="timeline-frame">
      <div class="timeline" ref=${scroller} role="region" aria-label="Messages" onKeyDown=${onKeyDown} onPointerLeave=${() => { if (!isAtTools()) setActive(null) }}
        onScroll=${({ currentTarget }: { currentTarget: HTMLElement }) => setAtEnd(Math.abs(currentTarget.scrollTop) < AT_END_PX)}>
        <div class="timeline-inner">
          <div class="timeline-top" ref=${top}>${hasOlder ? 'Loading older messages…' : messages.length > 0 ? 'This is where it begins.' : 'Nothing has been said yet.'}</div>
          <ol class="messages">${messages.flatMap((message, index) => [
            ...separators(message, messages[index - 1], unreadFrom),
            message.type === 'SYSTEM'
              ? html`<li class="system" key=${message.key} data-seq=${message.seq}>${systemText(chat, message)}</li>`
              : html`<${MessageItem}
                  key=${message.key} message=${message} name=${nameIn(chat, message.senderId)} isMine=${message.senderId === chat.userId} isDirect=${summary.type === 'DIRECT'}
                  isFirst=${!standTogether(messages[index - 1], message)} isLast=${!standTogether(message, messages[index + 1])}
                  quoted=${message.replyTo ? chat.message(message.replyTo.messageId) : null}
                  isActive=${active === message.key} isReachable=${reachable === message.key} isFlashed=${flashed !== null && flashed === message.seq}
                  onActive=${setActive} onIntent=${onIntent} />`,
          ])}</ol>
        </div>
      </div>
      ${!isAtEnd && html`<button type="button" class="to-end" onClick=${toEnd}><${Icon} name="down" />${summary.unreadCount > 0 ? `${summary.unreadCount} new` : 'Newest'}</button>`}
    </div>`
}

function standTogether (one: LocalMessage | undefined, next: LocalMessage | undefined): boolean {
  if (!one || !next || one.type === 'SYSTEM' || one.senderId !== next.senderId) return false
  return day(one.createdAt) === day(next.createdAt) && Date.parse(next.createdAt) - Date.parse(one.createdAt) < TOGETHER_MS
}

function separators (message: LocalMessage, before: LocalMessage | undefined, unreadFrom: number | null): VNode[] {
  const lines: VNode[] = []
  if (!before || day(before.createdAt) !== day(message.createdAt)) lines.push(html`<li class="day" key=${`day ${message.key}`}><span>${day(message.createdAt)}</span></li>`)
  if (unreadFrom !== null && before && before.seq <= unreadFrom && message.seq > unreadFrom) lines.push(html`<li class="unread-line" key="unread"><span>New</span></li>`)
  return lines
}
