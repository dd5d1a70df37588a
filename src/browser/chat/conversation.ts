import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { count, when } from '../kit/format.ts'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import { Avatar, presenceOf, presenceText } from './avatar.ts'
import { Composer } from './composer.ts'
import { capital } from './message-text.ts'
import { useTry } from './notices.ts'
import { PinnedBar } from './pinned-bar.ts'
import { ReportDialog } from './report-dialog.ts'
import { hashOf, type Route } from './route.ts'
import { nameIn, useChat, type Chat, type ChatSummary, type LocalMessage } from './session.ts'
import { Standing } from './standing.ts'
import { Timeline } from './timeline.ts'

/** What is about to be done with a message: by the composer, or in a dialog. */
export type Intent = { kind: 'reply' | 'edit' | 'report', message: LocalMessage } | null

export function Conversation ({ summary, route, showDetails, onDetails }: { summary: ChatSummary, route: Route, showDetails: boolean, onDetails: () => void }): VNode {
  const chat = useChat()
  const attempt = useTry()
  const [intent, setIntent] = useState<Intent>(null)
  const { id, title, otherId } = summary

  useEffect(() => {
    attempt(chat.open(id))
    return () => chat.close(id)
  }, [chat, id])

  return html`
    <main class="conversation" aria-label=${`Chat: ${title}`}>
      <header class="conversation-header">
        <a class="icon-button back" href=${hashOf(null)} aria-label="All chats"><${Icon} name="back" /></a>
        <${Avatar} id=${otherId ?? id} name=${title} isGroup=${otherId === null} status=${otherId === null ? undefined : presenceOf(chat, otherId)} />
        <div class="conversation-title">
          <h2>${title}</h2>
          <p class="subtitle">${subtitle(chat, summary)}</p>
        </div>
        <button type="button" class="icon-button" aria-label="About this chat" title="About this chat" aria-expanded=${showDetails} onClick=${onDetails}><${Icon} name="info" /></button>
      </header>
      <${PinnedBar} chatId=${id} />
      <${Timeline} summary=${summary} route=${route} onIntent=${setIntent} />
      <${Standing} summary=${summary} />
      <${Composer} summary=${summary} intent=${intent} onIntent=${setIntent} />
      ${intent?.kind === 'report' && html`<${ReportDialog} messageId=${intent.message.id} onClose=${() => setIntent(null)} />`}
    </main>`
}

function subtitle (chat: Chat, { typing, otherId, participants, head, type }: ChatSummary): VNode | string {
  if (typing.length > 0) return html`<span class="typing-text">${type === 'DIRECT' ? 'typing…' : `${typing.map(userId => nameIn(chat, userId)).join(', ')} typing…`}</span>`
  if (otherId !== null) {
    const presence = chat.presence(otherId)
    if (presence?.statusText) return presence.statusText
    if (presence?.status === 'OFFLINE' && presence.lastSeenAt) return `Last seen ${when(presence.lastSeenAt)}`
    return capital(presenceText(presence?.status ?? 'OFFLINE'))
  }
  const online = [...participants.keys()].filter(userId => userId !== chat.userId && presenceOf(chat, userId) !== 'OFFLINE').length
  return `${count(head.memberCount, 'member')}${online > 0 ? `, ${online} online` : ''}`
}
