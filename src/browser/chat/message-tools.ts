import type { VNode } from 'preact'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import { Menu, type MenuItem } from '../kit/menu.ts'
import type { Intent } from './conversation.ts'
import { useTry } from './notices.ts'
import { useChat, type LocalMessage } from './session.ts'

const EMOJI = { '👍': 'Thumbs up', '❤️': 'Heart', '😂': 'Laughing', '😮': 'Surprised', '😢': 'Sad', '🎉': 'Celebration' }

/** What can be done with a message. Who may is the server's to say. */
export function MessageTools ({ message, isMine, onIntent }: { message: LocalMessage, isMine: boolean, onIntent: (intent: Intent) => void }): VNode {
  const chat = useChat()
  const attempt = useTry()

  const emoji: MenuItem[] = Object.entries(EMOJI).map(([glyph, label]) => ({ glyph, label, onPick: () => attempt(chat.react(message.id, glyph)) }))
  const isText = message.type === 'TEXT'
  const items: MenuItem[] = [
    message.pinned
      ? { label: 'Unpin', icon: 'pin', onPick: () => attempt(chat.unpin(message.id)) }
      : { label: 'Pin', icon: 'pin', onPick: () => attempt(chat.pin(message.id)) },
    ...isMine && isText ? [{ label: 'Edit', icon: 'edit', onPick: () => onIntent({ kind: 'edit', message }) } as const] : [],
    ...isMine ? [] : [{ label: 'Report', icon: 'info', onPick: () => onIntent({ kind: 'report', message }) } as const],
    { label: 'Delete for me', icon: 'trash', onPick: () => attempt(chat.delete(message.id, 'me')) },
    ...isMine ? [{ label: 'Delete for everyone', icon: 'trash', isDanger: true, onPick: () => attempt(chat.delete(message.id, 'everyone')) } as const] : [],
  ]

  return html`
    <div class="tools" role="toolbar" aria-label="Message">
      <${Menu} label="React" icon="smile" items=${emoji} />
      <button type="button" class="icon-button" aria-label="Reply" title="Reply" onClick=${() => onIntent({ kind: 'reply', message })}><${Icon} name="reply" /></button>
      <${Menu} label="More" icon="more" items=${items} />
    </div>`
}
