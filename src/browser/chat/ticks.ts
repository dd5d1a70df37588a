import type { VNode } from 'preact'
import { html } from '../kit/html.ts'
import type { LocalMessage } from './session.ts'

const MARKS = {
  pending: { path: 'M10 4.500a5.500 5.500 0 1 0 0 11a5.500 5.500 0 1 0 0-11M10 7.500V10l1.800 1.200', text: 'Waiting to be sent' },
  failed: { path: 'M10 5v6M10 14v.2', text: 'Not sent' },
  sent: { path: 'M5 10.500l3.200 3.200L15 6.500', text: 'Sent' },
  delivered: { path: 'M2 10.500l3.200 3.200L12 6.500M9.200 13.200l.6.500L17 6.500', text: 'Delivered' },
  read: { path: 'M2 10.500l3.200 3.200L12 6.500M9.200 13.200l.6.500L17 6.500', text: 'Read' },
} as const

/** How far my message has come. */
export function Ticks ({ status }: { status: NonNullable<LocalMessage['status']> }): VNode {
  const { path, text } = MARKS[status]
  return html`<svg class=${`ticks ${status}`} viewBox="0 0 20 20" role="img" aria-label=${text}><title>${text}</title><path d=${path} /></svg>`
}
