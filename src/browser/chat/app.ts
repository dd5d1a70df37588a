import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { nameOf, type Person } from '../../demo/people.ts'
import { html } from '../kit/html.ts'
import { Announcer } from './announcer.ts'
import { Conversation } from './conversation.ts'
import { Details } from './details.ts'
import { Notices, noticesFor, NoticesContext } from './notices.ts'
import { useRoute } from './route.ts'
import { ChatContext, useChanges, type Chat } from './session.ts'
import { Sidebar } from './sidebar.ts'
import { Welcome } from './welcome.ts'

/** Everything of one person. */
export function App ({ chat, userId }: { chat: Chat, userId: Person }): VNode {
  useChanges(chat)
  const [notices, setNotices] = useState<string[]>([])
  const [tell] = useState(() => noticesFor(setNotices))
  const [showDetails, setShowDetails] = useState(false)
  const route = useRoute()
  const { chatId } = route
  const summary = chatId === null ? undefined : chat.chat(chatId)

  const { total } = chat.unread
  useEffect(() => { document.title = `${total > 0 ? `(${total}) ` : ''}${nameOf(userId)} · Parley` }, [total, userId])

  return html`
    <${ChatContext.Provider} value=${chat}>
      <${NoticesContext.Provider} value=${tell}>
        <div class="app" data-view=${summary ? 'chat' : 'list'} data-status=${chat.status}>
          <${Sidebar} userId=${userId} chatId=${chatId} />
          ${summary
            ? html`<${Conversation} key=${summary.id} summary=${summary} route=${route} showDetails=${showDetails} onDetails=${() => setShowDetails(!showDetails)} />`
            : html`<${Welcome} userId=${userId} />`}
          ${summary && showDetails && html`<${Details} key=${summary.id} summary=${summary} onClose=${() => setShowDetails(false)} />`}
          <${Announcer} />
          <${Notices} texts=${notices} />
        </div>
      <//>
    <//>`
}
