import type { Frame } from '../frames.ts'
import type { Bus } from './bus.ts'
import type { Topic } from './topics.ts'

/** The bus of a single process; and of each process the part that its own frames go by. */
export class MemoryBus implements Bus {
  readonly #listeners: ((frame: Frame) => void)[] = []

  get isUp (): boolean { return true }

  publish (frames: Frame[]): void {
    for (const frame of frames) this.hear(frame)
  }

  subscribe (listener: (frame: Frame) => void): void {
    this.#listeners.push(listener)
  }

  follow (_topics: Topic[]): Promise<void> | undefined { return undefined }

  unfollow (_topics: Topic[]): void {}

  onUp (_listener: () => void): void {}

  async start (): Promise<void> {}

  async close (): Promise<void> {
    this.#listeners.length = 0
  }

  /** A frame for this process. */
  protected hear (frame: Frame): void {
    for (const listener of this.#listeners) listener(frame)
  }
}
