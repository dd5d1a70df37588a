import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config.ts'
import { inTime, notNow } from '../deadline.ts'
import { ApiError, toApiError } from '../errors.ts'
import { assertStorable, decodeJson } from '../json.ts'
import type { Identity } from '../plugins/auth.ts'
import { compile } from '../plugins/validation.ts'
import { commandSpan } from '../tracing.ts'
import type { Caller, Command, CommandTable } from './commands.ts'
import { Lanes } from './lanes.ts'
import type { Peer } from './peer.ts'
import { encodeError, encodeReply, type CommandId, type ReplyFrame } from './protocol.ts'
import { Rate } from './rate.ts'
import { CommandFrame } from './schemas.ts'

export interface IntakeServices {
  commands: CommandTable
  config: Config
  log: FastifyBaseLogger
  /** What has come of a command: `ok`, or the code of the error. */
  counted (type: string, outcome: string): void
}

/** Whose commands these are. */
export interface Commander extends Peer {
  /** undefined: refused, and closing. */
  identified (): Promise<Identity | undefined>
  /** Answers `authenticate`, which belongs to the socket and to no slice. */
  renew (data: object | undefined, id: CommandId): Promise<ReplyFrame>
  reply (frame: ReplyFrame): void
  /** They send more than they may, and go on so. */
  onTooMany (): void
}

/** How many commands over the rate are answered before the socket is closed. */
const PATIENCE = 100
/** When too many are in flight, one of them will have ended by then. */
const IN_FLIGHT_RETRY_MS = 100

const checkFrame = compile(CommandFrame, 'frame')
const checkId = compile(CommandFrame.properties.id, 'id')

/** The commands of one socket: no more than it may send, in order for each chat, each of them answered. */
export class Intake {
  readonly #commander: Commander
  readonly #services: IntakeServices
  readonly #lanes = new Lanes()
  readonly #rate: Rate
  #inFlight = 0
  #overRate = 0
  #onIdle: (() => void) | undefined

  constructor (commander: Commander, services: IntakeServices) {
    this.#commander = commander
    this.#services = services
    this.#rate = new Rate(services.config.rateLimits.commandsPerSecond)
  }

  take (bytes: Buffer): void {
    void this.#answer(bytes).finally(() => {
      if (--this.#inFlight === 0) this.#onIdle?.()
    })
    this.#inFlight++
  }

  /** When all that was taken has been answered. */
  async drain (): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>(resolve => { this.#onIdle = resolve })
  }

  /** Every frame ends in a reply or an error; nothing a client sends can throw past here. */
  async #answer (bytes: Buffer): Promise<void> {
    const overLimit = this.#overLimit()
    const { id, read } = readFrame(bytes)
    let type = ''
    try {
      const frame = read()
      type = frame.type
      if (overLimit) throw overLimit
      const identity = await this.#commander.identified()
      if (!identity) return
      const reply = await commandSpan(this.#nameOf(type), this.#commander.id, () => this.#run(identity, frame))
      this.#count(type, 'ok')
      if (id !== undefined) this.#commander.reply(reply)
    } catch (error) {
      const apiError = toApiError(error)
      if (apiError.code === 'INTERNAL') this.#services.log.error({ err: error, connectionId: this.#commander.id, userId: this.#commander.userId }, 'command failed')
      this.#count(type, apiError.code)
      this.#commander.reply(encodeError(id, apiError))
    }
  }

  /** What is no command is all one: whoever makes names up makes no more of them than that. */
  #nameOf (type: string): string {
    return this.#services.commands.isKnown(type) ? type : 'unknown'
  }

  #count (type: string, outcome: string): void {
    this.#services.counted(this.#nameOf(type), outcome)
  }

  #overLimit (): ApiError | undefined {
    const waitMs = this.#rate.take()
    if (waitMs === 0 && this.#inFlight < this.#services.config.realtime.maxCommandsInFlight) {
      this.#overRate = 0
      return undefined
    }
    if (++this.#overRate > PATIENCE) this.#commander.onTooMany()
    return new ApiError('RATE_LIMITED', '', { retryAfterMs: waitMs || IN_FLIGHT_RETRY_MS })
  }

  async #run (identity: Identity, { id = '', type, data }: CommandFrame): Promise<ReplyFrame> {
    if (type === 'ping') return encodeReply(id, 'pong', {})
    if (type === 'authenticate') return inTime(this.#commander.renew(data, id), () => new ApiError('OUTCOME_UNKNOWN'))
    const command = this.#services.commands.find(type)
    if (!command) throw new ApiError('UNKNOWN_COMMAND')
    return encodeReply(id, command.reply, await this.#inLane(command, data, { identity, userId: identity.userId, peer: this.#commander }))
  }

  /** What has not got its turn by the time at which it has to be answered is not begun any more. */
  #inLane (command: Command, data: object | undefined, caller: Caller): Promise<unknown> {
    let [hasBegun, isOver] = [false, false]
    const result = this.#lanes.run(laneOf(data), command.pipelined, async () => {
      if (isOver) throw notNow()
      hasBegun = true
      return command.run(caller, data)
    })
    return inTime(result, () => {
      isOver = true
      return hasBegun && !command.isRead ? new ApiError('OUTCOME_UNKNOWN') : notNow()
    })
  }
}

/** The id of what may turn out to be no command at all, since whoever waits for the reply to it is to be told so. @returns `read` throws {ApiError} VALIDATION_FAILED */
export function readFrame (bytes: Buffer): { id: CommandId | undefined, read: () => CommandFrame } {
  try {
    const value = decodeJson(bytes.toString())
    return {
      id: idOf(value),
      read: () => {
        assertStorable(value)
        return checkFrame(value)
      },
    }
  } catch (error) {
    return { id: undefined, read: () => { throw error } }
  }
}

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
