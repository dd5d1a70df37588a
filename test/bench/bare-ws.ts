// The reference for fanning out: what comes from one socket is sent to all, by a bare loop of `ws`'s own `send`. And for sockets that do nothing.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { serveTasks } from './worker.ts'

export type BareWs = typeof tasks

const tasks = {
  /** @returns its address */
  async listen (): Promise<string> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
    server.on('connection', socket => {
      socket.on('message', data => { for (const each of server.clients) each.send(data, { binary: false }) })
    })
    await once(server, 'listening')
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`
  },

  /** After a garbage collection (start it with --expose-gc). */
  memory (): NodeJS.MemoryUsage {
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' }) // and gives back what is free
    return process.memoryUsage()
  },
}

serveTasks(tasks)
