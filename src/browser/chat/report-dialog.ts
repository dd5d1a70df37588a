import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { Dialog } from '../kit/dialog.ts'
import { html } from '../kit/html.ts'
import { useTell, useTry } from './notices.ts'
import { useChat } from './session.ts'

export function ReportDialog ({ messageId, onClose }: { messageId: string, onClose: () => void }): VNode {
  const chat = useChat()
  const attempt = useTry()
  const tell = useTell()
  const [reason, setReason] = useState('')
  const onSubmit = (event: Event): void => {
    event.preventDefault()
    attempt(chat.report(messageId, reason.trim()).then(() => tell('Thank you. The administrators will look at it.')))
    onClose()
  }
  return html`
    <${Dialog} title="Report this message" onClose=${onClose}>
      <form onSubmit=${onSubmit}>
        <label class="field">What is wrong with it?<input type="text" required maxlength="1000" value=${reason} onInput=${(event: Event) => setReason((event.target as HTMLInputElement).value)} /></label>
        <button type="submit" class="button" disabled=${reason.trim() === ''}>Report</button>
      </form>
    <//>`
}
