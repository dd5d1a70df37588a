import type { VNode } from 'preact'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import type { Chat } from './session.ts'

const TINTS = 8

/** The same person has the same colour everywhere. */
function tintOf (id: string): number {
  let sum = 0
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0
  return sum % TINTS
}

/** Initials: pictures that tokens name lie with others, whom this page does not ask for anything. */
export function Avatar ({ id, name, isGroup = false, status }: { id: string, name: string, isGroup?: boolean, status?: string | undefined }): VNode {
  const initial = String.fromCodePoint(name.trim().codePointAt(0) ?? 63).toUpperCase()
  return html`
    <span class=${`avatar tint-${tintOf(id)}`} aria-hidden="true">
      ${isGroup ? html`<${Icon} name="group" />` : initial}
      ${status !== undefined && html`<span class="presence" data-presence=${status}></span>`}
    </span>`
}

const SAID: Record<string, string> = { ONLINE: 'online', AWAY: 'away', BUSY: 'busy', INVISIBLE: 'invisible', OFFLINE: 'offline' }

export const presenceOf = (chat: Chat, userId: string): string => chat.presence(userId)?.status ?? 'OFFLINE'

export const presenceText = (status: string): string => SAID[status] ?? 'offline'
