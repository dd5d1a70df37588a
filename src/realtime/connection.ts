import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import type { RawData, WebSocket } from 'ws'
import type { Config } from '../config.ts'
import { inTime } from '../deadline.ts'
import { ApiError, toApiError } from '../errors.ts'
import { assertStorable, decodeJson } from '../json.ts'
import type { Identity } from '../plugins/auth.ts'
import { compile } from '../plugins/validation.ts'
import type { CommandTable } from './commands.ts'
import type { Hub } from './hub.ts'
import { Lanes } from './lanes.ts'
import { Outbox } from './outbox.ts'
import type { Peer } from './peer.ts'
import {
  CLOSE, CLOSE_REASONS, encodeError, encodeReply, EXPIRY_NOTICE_MS, MAX_FIRST_FRAME_BYTES, plainFrame, type CommandId, type ReplyFrame,
} from './protocol.ts'
import { Rate } from './rate.ts'
import type { Rounds } from './rounds.ts'
import { Authenticate, CommandFrame, type Authenticated } from './schemas.ts'

export interface ConnectionServices {
  hub: Hub
  rounds: Rounds
  commands: CommandTable
  /** @throws {ApiError} TOKEN_…, USER_BANNED */
  authenticate (token: string | undefined): Promise<Identity>
  epoch (): string
  config: Config
  log: FastifyBaseLogger
  /** To be looked at (`tick`) as soon as can be, and not when it had said. */
  lookAt (connection: Connection): void
}

/** A peer that does not answer a close within this time is cut off. */
const CLOSE_TIMEOUT_MS = 2_000
/** How many commands over the rate are answered before the socket is closed. */
const PATIENCE = 100
/** When too many are in flight, one of them will have ended by then. */
const IN_FLIGHT_RETRY_MS = 100

const checkFrame = compile(CommandFrame, 'frame')
const checkId = compile(CommandFrame.properties.id, 'id')
const checkAuthenticate = compile(Authenticate, 'data')
const isInternal = (error: ApiError) => error.code === 'INTERNAL'

/** One socket: who is there, its commands in order, what it is sent, and when it ends. */
export class Connection implements Peer {
  readonly id = randomUUID()
  userId = ''
  readonly #socket: WebSocket
  readonly #outbox: Outbox
  readonly #services: ConnectionServices
  readonly #lanes = new Lanes()
  /** From the first command on. */
  #rate: Rate | undefined
  /** None, most of the time. */
  #underWay: Set<Promise<void>> | undefined
  #identity: Identity | undefined
  #authenticating: Promise<void> | undefined
  /** Frames of the hub that came before `authenticated` has gone out. */
  #early: Buffer[] | undefined = []
  #overRate = 0
  #draining = false
  #expiryAnnounced = false
  readonly #openedAt = Date.now()
  #heardAt = Date.now()
  #pingAt: number
  #closingSince: number | undefined

  constructor (socket: WebSocket, transport: Socket, services: ConnectionServices, token: string | undefined) {
    this.#socket = socket
    this.#outbox = new Outbox(socket, transport, services.rounds, { onTooSlow: () => this.#cut(), onLeftOver: () => services.lookAt(this) })
    this.#services = services
    this.#pingAt = this.#nextPing()
    socket.on('message', (raw, binary) => this.#onMessage(raw, binary))
    socket.on('pong', () => { this.#heardAt = Date.now() })
    socket.on('close', () => services.hub.roster.disconnect(this))
    if (token !== undefined) this.#signIn(token, undefined)
  }

  send (frame: Buffer, fleeting: boolean): void {
    if (this.#early) {
      if (!fleeting) this.#early.push(frame)
      return
    }
    if (this.#isOpen()) this.#outbox.event(frame, fleeting)
  }

  close (code: number): void {
    if (this.#closingSince !== undefined) return
    this.#closingSince = Date.now()
    this.#outbox.flush()
    this.#socket.close(code, CLOSE_REASONS[code])
    this.#services.lookAt(this)
  }

  /** Takes no more commands, answers those under way, and says goodbye. */
  async drain (): Promise<void> {
    this.#draining = true
    await Promise.allSettled(this.#underWay ?? [])
    this.close(CLOSE.GOING_AWAY)
  }

  /** Everything about this socket that has to do with time. @returns in how many milliseconds there may be something again */
  tick (now: number): number {
    const { realtime } = this.#services.config
    if (this.#closingSince !== undefined) {
      if (now - this.#closingSince > CLOSE_TIMEOUT_MS) this.#socket.terminate()
      return CLOSE_TIMEOUT_MS
    }
    if (!this.#identity && now - this.#openedAt > realtime.authTimeoutMs) {
      this.close(this.#authenticating ? CLOSE.INTERNAL : CLOSE.TOKEN_INVALID) // that we are slow is no reason to stay away
      return CLOSE_TIMEOUT_MS
    }
    if (this.#socket.isPaused) this.#heardAt = now // we are the ones who do not listen
    if (now - this.#heardAt > realtime.silenceMs) {
      this.#socket.terminate()
      return CLOSE_TIMEOUT_MS
    }
    const isAllTaken = this.#outbox.tick(now)
    if (now >= this.#pingAt) {
      this.#socket.ping()
      this.#pingAt = this.#nextPing()
    }
    const tokenMs = this.#identity ? this.#tickToken(now, this.#identity.expiresAt) : this.#openedAt + realtime.authTimeoutMs - now
    return isAllTaken ? Math.min(this.#pingAt - now, this.#heardAt + realtime.silenceMs - now, tokenMs) : 0
  }

  #tickToken (now: number, expiresAt: number): number {
    const endsAt = expiresAt + this.#services.config.realtime.expiryGraceMs
    if (now >= endsAt) this.close(CLOSE.TOKEN_EXPIRED)
    else if (!this.#expiryAnnounced && now >= expiresAt - EXPIRY_NOTICE_MS) {
      this.#expiryAnnounced = true
      this.#reply(plainFrame('token_expiring', `{"inMs":${Math.max(0, expiresAt - now)}}`))
    }
    return (this.#expiryAnnounced ? endsAt : expiresAt - EXPIRY_NOTICE_MS) - now
  }

  #nextPing (): number {
    return Date.now() + this.#services.config.realtime.heartbeatMs * (0.8 + 0.4 * Math.random())
  }

  #cut (): void {
    this.#services.log.info({ connectionId: this.id, userId: this.userId, buffered: this.#socket.bufferedAmount }, 'cutting a slow reader')
    this.close(CLOSE.TOO_SLOW)
  }

  #isOpen (): boolean {
    return this.#closingSince === undefined && this.#socket.readyState === this.#socket.OPEN
  }

  #reply (frame: ReplyFrame): void {
    if (this.#isOpen()) this.#outbox.reply(frame)
  }

  #onMessage (raw: RawData, binary: boolean): void {
    this.#heardAt = Date.now()
    if (this.#closingSince !== undefined || this.#draining) return
    if (binary) return this.close(CLOSE.NOT_THE_PROTOCOL)
    const bytes = raw as Buffer // the default binaryType
    if (!this.#authenticating) {
      if (bytes.length > MAX_FIRST_FRAME_BYTES) return this.close(CLOSE.NOT_THE_PROTOCOL)
      return this.#onFirstFrame(bytes)
    }
    const underWay = this.#underWay ??= new Set()
    const command = this.#onFrame(bytes).finally(() => {
      underWay.delete(command)
      if (underWay.size === 0 && this.#underWay === underWay) this.#underWay = undefined
    })
    underWay.add(command)
  }

  #onFirstFrame (bytes: Buffer): void {
    let id: CommandId | undefined
    try {
      const value = decodeJson(bytes.toString())
      id = idOf(value)
      assertStorable(value)
      const { type, data } = checkFrame(value)
      if (type !== 'authenticate') throw new ApiError('TOKEN_MISSING')
      this.#signIn(checkAuthenticate(data).token, id)
    } catch (error) {
      this.#refuse(toApiError(error), id)
    }
  }

  #refuse (error: ApiError, id?: CommandId): void {
    this.#reply(encodeError(id, error))
    const code = error.code === 'USER_BANNED'
      ? CLOSE.BANNED
      : error.code === 'TOKEN_EXPIRED'
        ? CLOSE.TOKEN_EXPIRED
        : error.retryable || isInternal(error)
          ? CLOSE.INTERNAL
          : error.code === 'VALIDATION_FAILED' ? CLOSE.NOT_THE_PROTOCOL : CLOSE.TOKEN_INVALID
    this.close(code)
  }

  #signIn (token: string, id: CommandId | undefined): void {
    this.#authenticating = this.#enter(token, id).catch((error: unknown) => {
      const apiError = toApiError(error)
      if (isInternal(apiError)) this.#services.log.error({ err: error, connectionId: this.id }, 'authentication failed')
      this.#refuse(apiError, id)
    })
  }

  async #enter (token: string, id: CommandId | undefined): Promise<void> {
    const { hub, config } = this.#services
    const identity = await this.#services.authenticate(token)
    this.userId = identity.userId
    const inboxRevision = await hub.roster.connect(this)
    this.#identity = identity
    this.#services.lookAt(this) // the token may soon end
    if (this.#socket.readyState !== this.#socket.OPEN) return hub.roster.disconnect(this)
    this.#reply(this.#encodeAuthenticated(identity, inboxRevision, id))
    const early = this.#early ?? []
    this.#early = undefined
    for (const frame of early) this.send(frame, false)
    const tooMany = hub.roster.peersOf(this.userId).length - config.realtime.maxConnectionsPerUser
    for (const peer of hub.roster.peersOf(this.userId).slice(0, Math.max(0, tooMany))) peer.close(CLOSE.REPLACED)
  }

  #encodeAuthenticated ({ userId, expiresAt }: Identity, inboxRevision: number, id: CommandId | undefined): ReplyFrame {
    const { realtime, rateLimits } = this.#services.config
    const data: Authenticated = {
      userId,
      connectionId: this.id,
      epoch: this.#services.epoch(),
      inboxRevision,
      heartbeatMs: realtime.heartbeatMs,
      expiresAt: new Date(expiresAt).toISOString(),
      limits: { maxFrameBytes: realtime.maxFrameBytes, maxCommandsInFlight: realtime.maxCommandsInFlight, commandsPerSecond: rateLimits.commandsPerSecond },
    }
    return id === undefined ? plainFrame('authenticated', JSON.stringify(data)) : encodeReply(id, 'authenticated', data)
  }

  /** Every frame ends in a reply or an error; nothing a client sends can throw past here. */
  async #onFrame (bytes: Buffer): Promise<void> {
    let id: CommandId | undefined
    const overLimit = this.#overLimit()
    try {
      const value = decodeJson(bytes.toString())
      id = idOf(value)
      assertStorable(value)
      const frame = checkFrame(value)
      if (overLimit) throw overLimit
      await this.#authenticating
      if (!this.#identity) return // refused, and closing
      const reply = await inTime(this.#run(this.#identity, frame))
      if (id !== undefined) this.#reply(reply)
    } catch (error) {
      const apiError = toApiError(error)
      if (isInternal(apiError)) this.#services.log.error({ err: error, connectionId: this.id, userId: this.userId }, 'command failed')
      this.#reply(encodeError(id, apiError))
    }
  }

  #overLimit (): ApiError | undefined {
    this.#rate ??= new Rate(this.#services.config.rateLimits.commandsPerSecond)
    const waitMs = this.#rate.take()
    if (waitMs === 0 && (this.#underWay?.size ?? 0) < this.#services.config.realtime.maxCommandsInFlight) {
      this.#overRate = 0
      return undefined
    }
    if (++this.#overRate > PATIENCE) this.close(CLOSE.RATE_LIMITED)
    return new ApiError('RATE_LIMITED', '', { retryAfterMs: waitMs || IN_FLIGHT_RETRY_MS })
  }

  async #run (identity: Identity, { id, type, data }: CommandFrame): Promise<ReplyFrame> {
    if (type === 'ping') return encodeReply(id ?? '', 'pong', {})
    if (type === 'authenticate') return this.#renew(checkAuthenticate(data).token, id)
    const command = this.#services.commands.find(type)
    if (!command) throw new ApiError('UNKNOWN_COMMAND')
    const result = await this.#lanes.run(laneOf(data), command.pipelined, () => command.run({ identity, userId: identity.userId, peer: this }, data))
    return encodeReply(id ?? '', command.reply, result)
  }

  async #renew (token: string, id: CommandId | undefined): Promise<ReplyFrame> {
    const identity = await this.#services.authenticate(token)
    if (identity.userId !== this.userId) throw new ApiError('TOKEN_INVALID')
    this.#identity = identity
    this.#expiryAnnounced = false
    this.#services.lookAt(this)
    const inboxRevision = await this.#services.hub.roster.connect(this)
    if (this.#socket.readyState !== this.#socket.OPEN) this.#services.hub.roster.disconnect(this) // its end, which was meanwhile, was too early for that
    return this.#encodeAuthenticated(identity, inboxRevision, id ?? '')
  }
}

/** The id in what may turn out to be no command at all: whoever waits for the reply to it is to be told. */
function idOf (frame: unknown): CommandId | undefined {
  if (typeof frame !== 'object' || frame === null || !('id' in frame)) return undefined
  try {
    assertStorable(frame.id)
    return checkId(frame.id)
  } catch {
    return undefined
  }
}

/** Commands about one chat stay in order; what names no chat has a lane of its own. The data is not validated yet. */
function laneOf (data: object | undefined): string {
  const { chatId, messageId, targetUserId } = (data ?? {}) as Record<string, unknown>
  if (typeof chatId === 'string') return chatId.toLowerCase()
  if (typeof messageId === 'string') return messageId.split('.', 1)[0]?.toLowerCase() ?? ''
  return typeof targetUserId === 'string' ? `user:${targetUserId}` : ''
}
