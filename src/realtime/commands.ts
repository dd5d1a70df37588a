import { commands as contract, type CommandData, type CommandName, type CommandResult } from '../contract.ts'
import type { EncodedJson } from '../json.ts'
import type { Identity } from '../plugins/auth.ts'
import { compile } from '../plugins/validation.ts'
import type { Peer } from './peer.ts'

/** Who has sent a command, and over which socket. */
export interface Caller { identity: Identity, userId: string, peer: Peer }

type Handler<Name extends CommandName> = (caller: Caller, data: CommandData<Name>) => Promise<CommandResult<Name> | EncodedJson>

export interface Command {
  reply: string
  /** May start before the socket's earlier pipelined commands to the same chat have ended. */
  pipelined: boolean
  /** Changes nothing: what has no answer in time has not happened. */
  isRead: boolean
  run (caller: Caller, data: unknown): Promise<unknown>
}

/** What the connection answers by itself: it belongs to the socket, not to a slice. */
const OF_THE_CONNECTION = new Set(['authenticate', 'ping'])

/** Beside those whose name says so. */
const OTHER_READS = new Set<CommandName>(['sync', 'changes', 'search'])

/** The commands by their type. Each slice's `commands.ts` puts its own in. */
export class CommandTable {
  readonly #commands = new Map<string, Command>()

  on<Name extends CommandName> (name: Name, handler: Handler<Name>, { pipelined = false } = {}): this {
    const { data: schema, reply } = contract[name]
    const validate = compile(schema, 'data')
    this.#commands.set(name, {
      reply,
      pipelined,
      isRead: name.startsWith('get_') || OTHER_READS.has(name),
      run: (caller, data) => handler(caller, validate(data ?? {}) as CommandData<Name>),
    })
    return this
  }

  find (name: string): Command | undefined {
    return this.#commands.get(name)
  }

  isKnown (name: string): boolean {
    return this.#commands.has(name) || OF_THE_CONNECTION.has(name)
  }

  /** @throws if the contract promises a command that nobody handles */
  assertComplete (): void {
    const missing = Object.keys(contract).filter(name => !this.#commands.has(name) && !OF_THE_CONNECTION.has(name))
    if (missing.length > 0) throw new Error(`No handler for the commands: ${missing.join(', ')}`)
  }
}
