import type { Message } from '../../contract.ts'
import { count } from '../kit/format.ts'
import { nameIn, type Chat, type LocalMessage } from './session.ts'

const KINDS = { image: 'picture', video: 'film', audio: 'recording', voice: 'voice message', file: 'file' } as const

/** A message in one line. */
export function summaryOf (chat: Chat, message: Message & Pick<LocalMessage, 'uploads'>): string {
  if (message.deletedAt) return 'Message deleted'
  if (message.fromBlocked) return 'From somebody whom you have blocked'
  if (message.type === 'SYSTEM') return systemText(chat, message)
  if (message.content) return message.content
  const [first] = message.attachments
  const files = message.attachments.length || (message.uploads?.length ?? 0)
  if (files > 1) return count(files, 'file')
  return first ? capital(KINDS[first.kind]) : 'File'
}

/** What has happened to the chat. */
export function systemText (chat: Chat, { system }: Pick<Message, 'system'>): string {
  if (!system) return ''
  const actor = nameIn(chat, system.actorId)
  const others = system.targetIds.map(userId => nameIn(chat, userId)).join(', ').replace('You', 'you')
  switch (system.kind) {
    case 'participants_added': return `${actor} added ${others}`
    case 'participants_invited': return `${actor} invited ${others}`
    case 'invitation_accepted': return `${others} joined`
    case 'participant_left': return `${actor} left`
    case 'participant_removed': return `${actor} removed ${others}`
    case 'participant_banned': return `${actor} banned ${others}`
    case 'participant_silenced': return `${actor} silenced ${others}`
    case 'role_changed': return `${others}: a new role`
    default: return `${actor}: ${system.kind.replaceAll('_', ' ')}`
  }
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

export interface Piece { text: string, href?: string }

const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}]/g

/** A text, cut where it names an address: nothing but http and https becomes a link. */
export function linked (text: string): Piece[] {
  const pieces: Piece[] = []
  let end = 0
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const url = URL.parse(found)
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') continue
    if (index > end) pieces.push({ text: text.slice(end, index) })
    pieces.push({ text: found, href: url.href })
    end = index + found.length
  }
  if (end < text.length) pieces.push({ text: text.slice(end) })
  return pieces
}
