import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import { ApiError, toApiError } from '../errors.ts'
import type { Identity } from '../plugins/auth.ts'
import { compile } from '../plugins/validation.ts'
import type { Hub } from './hub.ts'
import { Intake, readFrame, type Commander, type IntakeServices } from './intake.ts'
import { Outbox } from './outbox.ts'
import {
  CLOSE, CLOSE_REASONS, encodeError, encodeReply, EXPIRY_NOTICE_MS, MAX_FIRST_FRAME_BYTES, plainFrame, type CommandId, type ReplyFrame,
} from './protocol.ts'
import type { Rounds } from './rounds.ts'
import { Authenticate, type Authenticated } from './schemas.ts'

export interface ConnectionServices extends IntakeServices {
  hub: Hub
  rounds: Rounds
  /** @throws {ApiError} TOKEN_…, USER_BANNED */
  authenticate (token: string | undefined): Promise<Identity>
  epoch (): string
  /** A socket is cut that does not take what it is sent. */
  cutting (): void
  /** To be looked at (`tick`) as soon as can be, and not when it had said. */
  lookAt (connection: Connection): void
}

/** A peer that does not answer a close within this time is cut off. */
const CLOSE_TIMEOUT_MS = 2_000
const checkAuthenticate = compile(Authenticate, 'data')
const isInternal = (error: ApiError) => error.code === 'INTERNAL'

/** One socket: who is there, what it is sent, and when it ends. */
export class Connection implements Commander {
  readonly id = randomUUID()
  userId = ''
  issuedAt = 0
  readonly #socket: WebSocket
  readonly #outbox: Outbox
  readonly #services: ConnectionServices
  /** From the first command on. */
  #intake: Intake | undefined
  #identity: Identity | undefined
  #authenticating: Promise<void> | undefined
  /** Frames of the hub that came before `authenticated` has gone out. */
  #early: Buffer[] | undefined = []
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

  /** What it has not taken of what it was sent. */
  get unsentBytes (): number {
    return this.#socket.bufferedAmount
  }

  send (frame: Buffer, fleeting: boolean): void {
    if (this.#early) {
      if (!fleeting) this.#early.push(frame)
      return
    }
    if (this.#isOpen()) this.#outbox.event(frame, fleeting)
  }

  reply (frame: ReplyFrame): void {
    if (this.#isOpen()) this.#outbox.reply(frame)
  }

  onTooMany (): void {
    this.close(CLOSE.RATE_LIMITED)
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
    await this.#intake?.drain()
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
      this.reply(plainFrame('token_expiring', `{"inMs":${Math.max(0, expiresAt - now)}}`))
    }
    return (this.#expiryAnnounced ? endsAt : expiresAt - EXPIRY_NOTICE_MS) - now
  }

  #nextPing (): number {
    return Date.now() + this.#services.config.realtime.heartbeatMs * (0.8 + 0.4 * Math.random())
  }

  #cut (): void {
    this.#services.log.info({ connectionId: this.id, userId: this.userId, buffered: this.#socket.bufferedAmount }, 'cutting a slow reader')
    this.#services.cutting()
    this.close(CLOSE.TOO_SLOW)
  }

  #isOpen (): boolean {
    return this.#closingSince === undefined && this.#socket.readyState === this.#socket.OPEN
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
    this.#intake ??= new Intake(this, this.#services)
    this.#intake.take(bytes)
  }

  #onFirstFrame (bytes: Buffer): void {
    const { id, read } = readFrame(bytes)
    try {
      const { type, data } = read()
      if (type !== 'authenticate') throw new ApiError('TOKEN_MISSING')
      this.#signIn(checkAuthenticate(data).token, id)
    } catch (error) {
      this.#refuse(toApiError(error), id)
    }
  }

  #refuse (error: ApiError, id?: CommandId): void {
    this.reply(encodeError(id, error))
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
    this.issuedAt = identity.issuedAt ?? 0
    const inboxRevision = await hub.roster.connect(this)
    this.#identity = identity
    this.#services.lookAt(this) // the token may soon end
    if (this.#socket.readyState !== this.#socket.OPEN) return hub.roster.disconnect(this)
    this.reply(this.#encodeAuthenticated(identity, inboxRevision, id))
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
      at: new Date().toISOString(),
      limits: { maxFrameBytes: realtime.maxFrameBytes, maxCommandsInFlight: realtime.maxCommandsInFlight, commandsPerSecond: rateLimits.commandsPerSecond },
    }
    return id === undefined ? plainFrame('authenticated', JSON.stringify(data)) : encodeReply(id, 'authenticated', data)
  }

  async identified (): Promise<Identity | undefined> {
    await this.#authenticating
    return this.#identity
  }

  async renew (data: object | undefined, id: CommandId): Promise<ReplyFrame> {
    const identity = await this.#services.authenticate(checkAuthenticate(data).token)
    if (identity.userId !== this.userId) throw new ApiError('TOKEN_INVALID')
    this.#identity = identity
    this.issuedAt = identity.issuedAt ?? 0
    this.#expiryAnnounced = false
    this.#services.lookAt(this)
    const inboxRevision = await this.#services.hub.roster.connect(this)
    if (this.#socket.readyState !== this.#socket.OPEN) this.#services.hub.roster.disconnect(this) // its end, which was meanwhile, was too early for that
    return this.#encodeAuthenticated(identity, inboxRevision, id)
  }
}
