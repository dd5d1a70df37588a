// Looks over a client's shoulder: whatever it is sent or holds may only move forward.
import { WebSocket as WsSocket } from 'ws'
import type { Client, ClientOptions } from '../../../src/client/client.ts'
import type { ChatState, ClientState } from '../../../src/client/state.ts'

/** Sockets that can be cut as networks cut them, and whose frames are looked at: a chat's revisions go up, on each socket. */
export function watchedSocket (name: string, violations: string[]): { WebSocket: NonNullable<ClientOptions['WebSocket']>, cut: () => void } {
  let last: WsSocket | undefined
  const WebSocket = class extends WsSocket {
    constructor (url: string, protocols: string[]) {
      super(url, protocols)
      last = this
      const revisions = new Map<string, number>()
      this.addEventListener('message', ({ data }) => {
        const { chatId, type, revision } = JSON.parse(String(data)) as { chatId?: string, type: string, revision?: number }
        if (chatId === undefined || revision === undefined) return
        const before = revisions.get(chatId) ?? 0
        if (revision <= before) violations.push(`${name}: ${type} of ${chatId} says ${revision} after ${before}`)
        revisions.set(chatId, revision)
      })
    }
  }
  return { WebSocket: WebSocket as unknown as NonNullable<ClientOptions['WebSocket']>, cut: () => last?.terminate() }
}

/** What the client holds goes forward: cursors, counters, and each single row. Who joins anew begins anew. */
export function watchState (name: string, client: Client, violations: string[]): void {
  let last: ClientState = client.state
  client.on('state', state => {
    if (state.inboxRevision < last.inboxRevision) violations.push(`${name}: the inbox went from ${last.inboxRevision} back to ${state.inboxRevision}`)
    for (const [chatId, chat] of state.chats) {
      const before = last.chats.get(chatId)
      if (before && before !== chat && isSameStay(before, chat)) compare(name, before, chat, violations)
    }
    last = state
  })
}

const isSameStay = (before: ChatState, after: ChatState): boolean => before.loaded && before.membership?.joinRevision === after.membership?.joinRevision

function compare (name: string, before: ChatState, after: ChatState, violations: string[]): void {
  const back = (what: string, from: number, to: number) => {
    if (to < from) violations.push(`${name}: ${what} of ${after.chatId} went from ${from} back to ${to}`)
  }
  back('the cursor', before.cursor, after.cursor)
  back('the head', before.head.lastRevision, after.head.lastRevision)
  back('lastSeq', before.head.lastSeq, after.head.lastSeq)
  back('the chat', before.chat?.revision ?? 0, after.chat?.revision ?? 0)
  if (before.messages === after.messages) return
  for (const [seq, message] of after.messages) {
    const here = before.messages.get(seq)
    if (here && here !== message) back(`message ${seq}`, here.revision, message.revision)
  }
}
