import type { FastifyBaseLogger } from 'fastify'
import type { Frame } from '../frames.ts'
import type { Listener } from '../listener.ts'
import { MemoryBus } from './memory.ts'
import { NotifyLink } from './notify-link.ts'
import { Pulse } from './pulse.ts'

const COALESCE_MS = 8

/**
 * The bus of a few processes that have nothing in common but their PostgreSQL. Of what is durable it says only up to which revision
 * a chat or an inbox has come; whoever follows it reads the rest.
 */
export class PostgresBus extends MemoryBus {
  readonly #listener: Listener
  readonly #log: FastifyBaseLogger
  readonly #pulse: Pulse
  readonly #link: NotifyLink

  constructor (url: string, listener: Listener, log: FastifyBaseLogger) {
    super()
    this.#listener = listener
    this.#log = log
    this.#link = new NotifyLink({ url, listener, log, coalesceMs: COALESCE_MS, onFrame: frame => this.hear(frame), onOwn: () => this.#pulse.heard() })
    this.#pulse = new Pulse({ beat: () => this.#link.sayBeat(), onLost: () => this.#onLost() })
    listener.onLost(() => this.#pulse.lost())
    listener.onListening(() => this.#link.sayBeat())
  }

  override get isUp (): boolean { return this.#pulse.isUp }

  override publish (frames: Frame[]): void {
    super.publish(frames)
    this.#link.say(frames)
  }

  override onUp (listener: () => void): void {
    this.#pulse.onUp(listener)
  }

  override async start (): Promise<void> {
    await this.#pulse.start()
  }

  override async close (): Promise<void> {
    this.#pulse.stop()
    await this.#link.close()
    await super.close()
  }

  #onLost (): void {
    this.#log.warn('nothing is heard of the other nodes: the newest heads are looked at until it is')
    this.#link.drop()
    this.#listener.renew()
  }
}
