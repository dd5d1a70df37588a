import { createContext, type VNode } from 'preact'
import { useContext } from 'preact/hooks'
import { html } from '../kit/html.ts'

const SHOWN_MS = 6_000

/** Shows a line for some seconds. */
export type Tell = (text: string) => void

export function noticesFor (set: (change: (texts: string[]) => string[]) => void): Tell {
  return text => {
    set(texts => [...texts.filter(each => each !== text), text])
    setTimeout(() => set(texts => texts.filter(each => each !== text)), SHOWN_MS)
  }
}

export const NoticesContext = createContext<Tell>(() => {})

/** @returns what carries an action out, and says so when it is refused */
export function useTry (): (action: Promise<unknown>) => void {
  const tell = useContext(NoticesContext)
  return action => { action.catch((error: unknown) => tell(said(error))) }
}

export const useTell = (): Tell => useContext(NoticesContext)

/** Codes that this page can bring about, in the words of somebody who chats. */
const WORDS: Record<string, string> = {
  CHAT_BLOCKED: 'This person cannot be written to.',
  REQUEST_PENDING: 'They have to accept first.',
  REQUEST_LIMIT: 'You have asked often enough. They have to answer first.',
  EDIT_WINDOW_CLOSED: 'It is too late to edit this message.',
  MEDIA_TYPE_REFUSED: 'Files of this type are not taken.',
  TOO_LARGE: 'This is too large.',
  RATE_LIMITED: 'A little slower, please.',
  ROLE_REQUIRED: 'Only the people who run this chat can do that.',
}

function said (error: unknown): string {
  const { code = '', message = '' } = error as { code?: string, message?: string }
  return WORDS[code] ?? (message || 'That did not work.')
}

export function Notices ({ texts }: { texts: string[] }): VNode {
  return html`<div class="notices" role="alert">${texts.map(text => html`<p key=${text}>${text}</p>`)}</div>`
}
