import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import websocket from '@fastify/websocket'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { WebSocket } from 'ws'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import { bearerToken } from '../plugins/auth.ts'
import type { Identity } from '../plugins/auth.ts'
import type { Bus } from './bus/bus.ts'
import { createBus } from './bus/create.ts'
import { Lookout } from './bus/lookout.ts'
import { CommandTable } from './commands.ts'
import { Connection, type ConnectionServices } from './connection.ts'
import { drain } from './drain.ts'
import { Hub } from './hub.ts'
import { Listener } from './listener.ts'
import { hearSqlSends } from './sql-sends.ts'
import { BEARER_PREFIX, CLOSE, SUBPROTOCOL } from './protocol.ts'
import { Rate } from './rate.ts'
import { Rounds } from './rounds.ts'
import type { HubSource } from './source.ts'
import { Sweep } from './sweep.ts'
import { Wheel } from './wheel.ts'

declare module 'fastify' {
  interface FastifyInstance {
    bus: Bus
    hub: Hub
    /** Open sockets. */
    connections: () => Connection[]
    commands: CommandTable
    /** Identity of the database's history, as last seen. */
    epoch: () => string
  }
}

export interface RealtimeOptions {
  config: Config
  /** Instead of the one of the settings. */
  bus?: Bus
  source: HubSource
  authenticate: (token: string | undefined) => Promise<Identity>
}

/** How exact the sockets are about the time. */
const TICK_MS = 250

/** `GET …/ws`, the hub, and the table that the slices put their commands in. */
export const realtime = fp<RealtimeOptions>(async (app, { config, source, authenticate, ...options }) => {
  const listener = new Listener(config.database.directUrl ?? config.database.url ?? '', app.log)
  const bus: Bus = options.bus ?? createBus(config, { listener, epoch: () => sweep.epoch, log: app.log })
  const rounds = new Rounds()
  const hub = new Hub(bus, source, app.log, rounds)
  const commands = new CommandTable()
  const sweep = new Sweep(hub, source, config.realtime.sweepMs, app.log)
  const lookout = new Lookout(bus, sweep, app.log)
  hearSqlSends(listener, hub, app.log)
  const connections = new Wheel<Connection>(TICK_MS, config.realtime.silenceMs)
  const { metrics } = app
  const services: ConnectionServices = {
    hub,
    rounds,
    commands,
    authenticate,
    epoch: () => sweep.epoch,
    config,
    log: app.log,
    counted: metrics.command,
    cutting: () => metrics.slowReaders.inc(),
    lookAt: connection => { if (connections.has(connection)) connections.put(connection, 0) },
  }
  hub.on('delivered', ({ at }, _memberCount, followerCount) => {
    metrics.deliveries.inc(followerCount)
    if (at !== undefined) metrics.eventLag.observe(Math.max(0, Date.now() - at) / 1000)
  })
  hub.on('repaired', () => metrics.gaps.inc())
  sweep.onRound = () => metrics.sweeps.inc()
  metrics.gauge('parley_connections', 'Open sockets', () => connections.items.length)
  metrics.gauge('parley_users', 'Users who have a socket here', () => hub.roster.connectedUsers.length)
  metrics.gauge('parley_chats_followed', 'Chats that somebody here follows', () => hub.roster.followedChats.length)
  metrics.gauges('parley_bus_up', 'Whether what other nodes say is heard: 1 or 0', 'bus', () => ({ [config.bus]: Number(bus.isUp) }))
  app.db.onConnect = async connection => sweep.hear(await source.epoch(connection))
  app.decorate('bus', bus)
  app.decorate('hub', hub)
  app.decorate('connections', () => connections.items)
  app.decorate('commands', commands)
  app.decorate('epoch', () => sweep.epoch)

  const accepts = new Rate(config.rateLimits.acceptsPerSecond)

  /** Before a token or the database is looked at: whoever all come back at once are spread over the seconds. */
  async function admit (): Promise<void> {
    const waitMs = accepts.take()
    if (waitMs === 0) return
    metrics.refused.inc()
    throw new ApiError('OVERLOADED', '', { retryAfterMs: waitMs })
  }

  const ticker = setInterval(() => {
    const now = Date.now()
    connections.turn(connection => connection.tick(now))
  }, TICK_MS).unref()

  await app.register(websocket, {
    options: { maxPayload: config.realtime.maxFrameBytes, perMessageDeflate: false, handleProtocols: selectSubprotocol },
    // Before Fastify waits for its connections to end: answer what is under way, and send everybody to the other nodes.
    preClose: function (done) {
      refuseUpgrades(this.server)
      void drain(connections.items, config.realtime.drainMs).then(() => this.websocketServer.close(() => done()))
    },
  })

  app.get('/api/v1/chat/ws', { websocket: true, onRequest: admit, preValidation: async request => checkOrigin(request, config.corsOrigins) }, (socket, request) => {
    const offered = offeredSubprotocols(request)
    if (offered.length > 0 && socket.protocol !== SUBPROTOCOL) return socket.close(CLOSE.UNKNOWN_SUBPROTOCOL, 'unknown subprotocol')
    const transport = request.raw.socket
    const connection = new Connection(socket, transport, services, tokenOf(request, offered))
    connections.put(connection, 0)
    letGo(socket, transport)
    socket.on('error', error => app.log.info({ err: error, connectionId: connection.id }, 'socket error'))
    socket.on('close', () => connections.remove(connection))
  })

  app.addHook('onReady', async () => {
    commands.assertComplete()
    await sweep.start()
    await listener.start()
    await bus.start()
    lookout.start()
  })
  app.addHook('onClose', async () => {
    clearInterval(ticker)
    await lookout.stop()
    await sweep.stop()
    await bus.close()
    await listener.stop()
  })
}, { name: 'realtime', dependencies: ['database', 'auth', 'metrics'] })

/** Fastify itself would answer them and leave their sockets open, for which the server would then wait without end. */
function refuseUpgrades (server: Server): void {
  server.removeAllListeners('upgrade')
  server.on('upgrade', (_request, socket) => { socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n', () => socket.destroy()) })
}

/**
 * The request that a socket has come by is over, and with its headers, its reply and their loggers weighs more than the socket: those who
 * are left of those who knew it (the listener of @fastify/websocket, the response that its transport was given to) forget it.
 */
function letGo (socket: WebSocket, transport: Socket): void {
  socket.removeAllListeners('error') // `ws` has said goodbye already (1002, 1007, 1009) and will close: see the listener that follows
  const { _httpMessage: response } = transport as Socket & { _httpMessage?: ServerResponse | null }
  response?.detachSocket(transport)
}

function tokenOf (request: FastifyRequest, offered: string[]): string | undefined {
  return offered.find(protocol => protocol.startsWith(BEARER_PREFIX))?.slice(BEARER_PREFIX.length) ?? bearerToken(request.headers.authorization)
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
