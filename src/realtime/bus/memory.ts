import type { Frame } from '../frames.ts'
import type { Bus } from './bus.ts'

/** The bus of a single process. */
export class MemoryBus implements Bus {
  readonly #listeners: ((frame: Frame) => void)[] = []

  publish (frames: Frame[]): void {
    for (const frame of frames) {
      for (const listener of this.#listeners) listener(frame)
    }
  }

  subscribe (listener: (frame: Frame) => void): void {
    this.#listeners.push(listener)
  }

  async close (): Promise<void> {
    this.#listeners.length = 0
  }
}
