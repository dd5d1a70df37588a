import type { VNode } from 'preact'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import { useChat, type Chat } from './session.ts'

const WORDS: Record<Chat['status'], string> = {
  live: 'Live',
  syncing: 'Catching up',
  connecting: 'Connecting',
  waiting: 'Reconnecting',
  offline: 'Line cut',
  stopped: 'Stopped',
}

/** How the line is, and a button that cuts it: what is written meanwhile waits, and nothing that others do is missed. */
export function ConnectionLight (): VNode {
  const chat = useChat()
  const { status } = chat
  const isCut = status === 'offline'
  return html`
    <div class="line">
      <span class="light" role="status" data-line=${status}><span class="lamp" aria-hidden="true"></span>${WORDS[status]}</span>
      ${status === 'stopped'
        ? html`<button type="button" class="line-button" onClick=${() => chat.start()}>Start again</button>`
        : html`
          <button type="button" class="line-button" aria-pressed=${isCut} title="See it catch up" onClick=${() => isCut ? chat.online() : chat.offline()}>
            <${Icon} name=${isCut ? 'retry' : 'cut'} />${isCut ? 'Mend the line' : 'Cut the line'}
          </button>`}
    </div>`
}
