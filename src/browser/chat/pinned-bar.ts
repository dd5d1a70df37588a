import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import { summaryOf } from './message-text.ts'
import { hashOf } from './route.ts'
import { nameIn, useChat, type Chat } from './session.ts'

type Pins = Awaited<ReturnType<Chat['pins']>>['data']

/** The pinned messages: the newest in a line, all of them when it is opened. */
export function PinnedBar ({ chatId }: { chatId: string }): VNode | null {
  const chat = useChat()
  const [pins, setPins] = useState<Pins>([])

  useEffect(() => {
    let isCurrent = true
    const load = (): void => { chat.pins(chatId).then(({ data }) => { if (isCurrent) setPins(data) }, () => {}) } // asked again with the next change, and when the line is back
    load()
    const off = [
      chat.on('message', event => { if (event.chatId === chatId && (event.message.pinned !== null) !== ((event.previous?.pinned ?? null) !== null)) load() }),
      chat.on('status', () => { if (chat.status === 'live') load() }),
    ]
    return () => {
      isCurrent = false
      for (const each of off) each()
    }
  }, [chat, chatId])

  const [newest] = pins
  if (!newest) return null
  return html`
    <details class="pinned">
      <summary><${Icon} name="pin" /><span class="pinned-line"><strong>Pinned${pins.length > 1 ? ` (${pins.length})` : ''}</strong> ${summaryOf(chat, newest)}</span></summary>
      <ul>
        ${pins.map(message => html`<li key=${message.id}><a href=${hashOf(chatId, message.seq)}><strong>${nameIn(chat, message.senderId)}</strong> ${summaryOf(chat, message)}</a></li>`)}
      </ul>
    </details>`
}
