// Writes down what clients want, ask, are answered and are shown.
import { WebSocket as WsSocket } from 'ws'
import type { Client, ClientOptions } from '../../../src/client/client.ts'
import type { ChatState, ClientState } from '../../../src/client/state.ts'
import type { ChatEvent, Operation, Sighting, WireCommand } from '../check/evidence.ts'
import { Answers } from '../helpers/answers.ts'

type WebSocketClass = NonNullable<ClientOptions['WebSocket']>
type Frame = { re?: number, id?: number, type: string, chatId?: string, revision?: number, data?: { upTo?: number, reset?: boolean } }

/** Where a socket of somebody's goes. */
export interface Address { node: number, wsUrl: string }

/** The sockets of one client, as seen from outside. */
export interface Line {
  WebSocket: WebSocketClass
  /** Ends the socket as a network does: without a close frame. */
  cut (): void
  /** The client believes it has lost the socket. The server is not told: nobody reads, nobody answers, and no FIN comes. */
  vanish (): void
  /** Where the socket is, if there is one. */
  readonly node: number | null
}

export class Recorder extends Answers {
  readonly operations: Operation[] = []
  readonly commands: WireCommand[] = []
  readonly sightings: Sighting[] = []
  readonly events: ChatEvent[] = []
  readonly surprises: string[] = []
  /** How often sockets ended, by their code. */
  readonly closes: Record<string, number> = {}
  readonly #vanished: WsSocket[] = []
  #sockets = 0

  /** What has vanished is over, on our side. */
  bury (): void {
    for (const socket of this.#vanished.splice(0)) socket.terminate()
  }

  lineOf (userId: string, choose: () => Address): Line {
    const recorder = this
    let last: (WsSocket & { address: Address }) | undefined
    const Recorded = class extends WsSocket {
      readonly address: Address
      readonly #asked = new Map<number, WireCommand>()
      readonly #name = `${userId}, socket ${++recorder.#sockets},`

      constructor (_url: string, protocols: string[]) {
        const address = choose()
        super(address.wsUrl, protocols)
        this.address = address
        last = this
        this.on('message', data => this.#take(JSON.parse(String(data)) as Frame))
        this.on('close', code => {
          recorder.closes[code] = (recorder.closes[code] ?? 0) + 1
          for (const id of this.#asked.keys()) this.#end(id, 'closed')
        })
      }

      override send (data: string): void {
        const { id = 0, type } = JSON.parse(data) as Frame
        const command: WireCommand = { userId, node: this.address.node, type, sentAt: Date.now(), endedAt: null, end: null }
        this.#asked.set(id, command)
        recorder.commands.push(command)
        super.send(data)
      }

      #take ({ re, type, chatId, revision, data }: Frame): void {
        if (re !== undefined) return this.#end(re, type === 'error' ? 'error' : 'reply')
        if (chatId === undefined || type === 'chat_deleted') return
        if (revision !== undefined) recorder.sightings.push({ who: this.#name, what: `what it is told of ${chatId}`, value: revision, once: true })
        recorder.events.push({ userId, chatId, type, revision: revision ?? data?.upTo ?? null, at: Date.now() })
      }

      #end (id: number, end: WireCommand['end']): void {
        const command = this.#asked.get(id)
        this.#asked.delete(id)
        if (command) Object.assign(command, { endedAt: Date.now(), end })
      }
    }
    return {
      WebSocket: Recorded as unknown as WebSocketClass,
      cut: () => last?.terminate(),
      vanish: () => {
        if (last?.readyState !== WsSocket.OPEN) return
        this.#vanished.push(last)
        last.pause()
        last.emit('close', 1006, Buffer.alloc(0))
      },
      get node () { return last?.readyState === WsSocket.OPEN ? last.address.node : null },
    }
  }

  /** What the client holds goes forward: cursors, counters, watermarks, and each single row. Who joins anew begins anew. */
  watch (who: string, client: Client): void {
    let last: ClientState = client.state
    client.on('state', state => {
      if (state.inboxRevision !== last.inboxRevision) this.sightings.push({ who, what: 'the inbox', value: state.inboxRevision })
      for (const [chatId, chat] of state.chats) {
        const before = last.chats.get(chatId)
        if (before !== chat && chat.loaded) this.#look(who, before?.loaded ? before : undefined, chat)
      }
      last = state
    })
  }

  #look (who: string, before: ChatState | undefined, chat: ChatState): void {
    const stay = `${chat.chatId} since ${chat.membership?.joinRevision ?? 0}`
    const see = (what: string, value: number, was: number | undefined) => { if (value !== was) this.sightings.push({ who, what: `${what} of ${stay}`, value }) }
    see('the cursor', chat.cursor, before?.cursor)
    see('the head', chat.head.lastRevision, before?.head.lastRevision)
    see('lastSeq', chat.head.lastSeq, before?.head.lastSeq)
    see('the chat', chat.chat?.revision ?? 0, before?.chat?.revision)
    for (const [userId, watermark] of chat.watermarks === before?.watermarks ? [] : chat.watermarks) {
      const was = before?.watermarks.get(userId)
      if (was === watermark) continue
      see(`readSeq of ${userId}`, watermark.readSeq, was?.readSeq)
      see(`deliveredSeq of ${userId}`, watermark.deliveredSeq, was?.deliveredSeq)
    }
    for (const [seq, message] of chat.messages === before?.messages ? [] : chat.messages) {
      if (before?.messages.get(seq) !== message) see(`message ${seq}`, message.revision, undefined)
    }
  }
}
