import type { Server } from 'node:http'
import websocket from '@fastify/websocket'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { WebSocket } from 'ws'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import { bearerToken } from '../plugins/auth.ts'
import type { Identity } from '../plugins/auth.ts'
import type { Bus } from './bus/bus.ts'
import { CommandTable } from './commands.ts'
import { Connection, type ConnectionServices } from './connection.ts'
import { Hub } from './hub.ts'
import { Listener } from './listener.ts'
import { BEARER_PREFIX, CLOSE, SUBPROTOCOL } from './protocol.ts'
import type { HubSource } from './source.ts'
import { Sweep } from './sweep.ts'

declare module 'fastify' {
  interface FastifyInstance {
    hub: Hub
    commands: CommandTable
    /** Identity of the database's history, as last seen. */
    epoch: () => string
  }
}

export interface RealtimeOptions {
  config: Config
  bus: Bus
  source: HubSource
  authenticate: (token: string | undefined) => Promise<Identity>
}

/** How often the sockets look at the time. */
const TICK_MS = 250

/** `GET …/ws`, the hub, and the table that the slices put their commands in. */
export const realtime = fp<RealtimeOptions>(async (app, { config, bus, source, authenticate }) => {
  const hub = new Hub(bus, source, app.log)
  const commands = new CommandTable()
  const sweep = new Sweep(hub, source, config.realtime.sweepMs, app.log)
  const listener = new Listener(config.database.directUrl ?? config.database.url ?? '', (chatId, revision) => hub.expectChat(chatId, revision), app.log)
  const connections = new Set<Connection>()
  const services: ConnectionServices = { hub, commands, authenticate, epoch: () => sweep.epoch, config, log: app.log }
  app.db.onConnect = async connection => sweep.hear(await source.epoch(connection))
  app.decorate('hub', hub)
  app.decorate('commands', commands)
  app.decorate('epoch', () => sweep.epoch)

  const ticker = setInterval(() => {
    const now = Date.now()
    for (const connection of connections) connection.tick(now)
  }, TICK_MS).unref()

  await app.register(websocket, {
    options: { maxPayload: config.realtime.maxFrameBytes, perMessageDeflate: false, handleProtocols: selectSubprotocol },
    // `ws` has said goodbye already (1002, 1007, 1009) and will close.
    errorHandler: (error, _socket, request) => request.log.info({ err: error }, 'socket error'),
    // Before Fastify waits for its connections to end: answer what is under way, then close every socket.
    preClose: function (done) {
      refuseUpgrades(this.server)
      const drained = Promise.all([...connections].map(connection => connection.drain()))
      const patience = new Promise(resolve => setTimeout(resolve, config.realtime.drainMs).unref())
      void Promise.race([drained, patience]).then(() => {
        for (const connection of connections) connection.close(CLOSE.GOING_AWAY)
        this.websocketServer.close(() => done())
      })
    },
  })

  app.get('/api/v1/chat/ws', { websocket: true, preValidation: async request => checkOrigin(request, config.corsOrigins) }, (socket, request) => {
    const offered = offeredSubprotocols(request)
    if (offered.length > 0 && socket.protocol !== SUBPROTOCOL) return socket.close(CLOSE.UNKNOWN_SUBPROTOCOL, 'unknown subprotocol')
    const connection = open(socket, request, offered)
    connections.add(connection)
    socket.on('close', () => connections.delete(connection))
  })

  function open (socket: WebSocket, request: FastifyRequest, offered: string[]): Connection {
    const bearer = offered.find(protocol => protocol.startsWith(BEARER_PREFIX))?.slice(BEARER_PREFIX.length)
    return new Connection(socket, request.raw.socket, { ...services, log: request.log }, bearer ?? bearerToken(request.headers.authorization))
  }

  app.addHook('onReady', async () => {
    commands.assertComplete()
    await sweep.start()
    await listener.start()
  })
  app.addHook('onClose', async () => {
    clearInterval(ticker)
    await sweep.stop()
    await listener.stop()
    await bus.close()
  })
}, { name: 'realtime', dependencies: ['database', 'auth'] })

/** Fastify itself would answer them and leave their sockets open, for which the server would then wait without end. */
function refuseUpgrades (server: Server): void {
  server.removeAllListeners('upgrade')
  server.on('upgrade', (_request, socket) => { socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n', () => socket.destroy()) })
}

function offeredSubprotocols (request: FastifyRequest): string[] {
  return request.headers['sec-websocket-protocol']?.split(',').map(name => name.trim()) ?? []
}

/** Ours; or, so that the close code can be seen, whichever else was offered. A token is never sent back. */
function selectSubprotocol (offered: Set<string>): string | false {
  return offered.has(SUBPROTOCOL) ? SUBPROTOCOL : [...offered].find(name => !name.startsWith(BEARER_PREFIX)) ?? false
}

/** A browser says where a page comes from, and would send a user's cookies along from anywhere. Others need not say. */
function checkOrigin ({ headers }: FastifyRequest, allowed: string[]): void {
  const { origin, host } = headers
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return
  if (URL.canParse(origin) && new URL(origin).host === host) return
  throw new ApiError('ORIGIN_REFUSED')
}
