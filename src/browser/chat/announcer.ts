import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { html } from '../kit/html.ts'
import { summaryOf } from './message-text.ts'
import { nameIn, useChat } from './session.ts'

/** Says what comes in to those who listen to the page instead of looking at it. */
export function Announcer (): VNode {
  const chat = useChat()
  const [said, setSaid] = useState('')
  useEffect(() => chat.on('message', ({ chatId, message, previous }) => {
    if (previous || message.senderId === chat.userId || message.type === 'SYSTEM') return
    if (message.seq <= (chat.chat(chatId)?.head.readSeq ?? 0)) return // history
    const place = chat.chat(chatId)
    const from = nameIn(chat, message.senderId)
    setSaid(`${place && place.type !== 'DIRECT' ? `${from} in ${place.title}` : from}: ${summaryOf(chat, message)}`)
  }), [chat])
  return html`<div class="sr-only" role="status" aria-live="polite">${said}</div>`
}
