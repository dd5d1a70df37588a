// Who writes while others search, in a process of their own: each sends a message, waits for the answer, sends the next.
import { once } from 'node:events'
import { v7 as uuidv7 } from 'uuid'
import { WebSocket } from 'ws'
import { Corpus } from './corpus.ts'
import { serveTasks } from './worker.ts'

export type Senders = typeof senders

interface Sender { sent: number, stop: () => Promise<void> }

let running: Sender[] = []

const senders = {
  async start ({ url, tokens, chats, seed }: { url: string, tokens: string[], chats: string[], seed: number }): Promise<void> {
    const corpus = new Corpus(seed)
    running = await Promise.all(tokens.map(token => startSender(url, token, () => corpus.pick(chats), () => corpus.text())))
  },

  /** @returns how many messages have been acknowledged */
  async stop (): Promise<number> {
    await Promise.all(running.map(({ stop }) => stop()))
    return running.reduce((sum, { sent }) => sum + sent, 0)
  },
}

async function startSender (url: string, token: string, chatId: () => string, content: () => string): Promise<Sender> {
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } })
  let stopped = false
  const sender: Sender = { sent: 0, stop: async () => { stopped = true; socket.close(); await once(socket, 'close') } }
  const next = () => { if (!stopped) socket.send(JSON.stringify({ id: 1, type: 'send_message', data: { chatId: chatId(), content: content(), clientMessageId: uuidv7() } })) }
  socket.on('message', data => {
    const start = String(data).slice(0, 60)
    if (start.includes('"authenticated"')) next()
    if (!start.startsWith('{"re":1')) return
    if (start.includes('"error"')) throw new Error(`A send was refused: ${data}`)
    sender.sent++
    next()
  })
  await once(socket, 'open')
  return sender
}

serveTasks(senders)
