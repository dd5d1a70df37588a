// Where people's sockets go: to a node of their own, and to another while that one is not ready. As any balancer it asks /health/ready.
import { setTimeout as pause } from 'node:timers/promises'
import type { ServerProcess } from '../helpers/server-process.ts'
import type { Address } from './recorder.ts'

const ASK_EVERY_MS = 250
const ANSWER_WITHIN_MS = 1_000

export class Balancer {
  readonly #nodes: ServerProcess[]
  readonly #isReady: boolean[]
  #stop = new AbortController()

  constructor (nodes: ServerProcess[]) {
    this.#nodes = nodes
    this.#isReady = nodes.map(() => true)
  }

  homeOf (number: number): number {
    return number % this.#nodes.length
  }

  addressFor (number: number): Address {
    const [home, ...others] = this.#nodes.map((_, index) => (index + number) % this.#nodes.length)
    const node = [home, ...others].find(index => this.#isReady[index ?? 0]) ?? home ?? 0
    return { node, wsUrl: (this.#nodes[node] as ServerProcess).wsUrl }
  }

  start (): void {
    this.#stop = new AbortController()
    for (const index of this.#nodes.keys()) void this.#ask(index, this.#stop.signal)
  }

  stop (): void {
    this.#stop.abort()
  }

  async #ask (index: number, until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      const node = this.#nodes[index] as ServerProcess
      this.#isReady[index] = await node.health(ANSWER_WITHIN_MS).then(({ status }) => status === 'ready', () => false)
      await pause(ASK_EVERY_MS)
    }
  }
}
