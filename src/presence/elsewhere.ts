import type { ViewersFrame } from '../realtime/frames.ts'

/** What a node has said counts for so long: more than twice as long as it takes to say it again. */
const LEASE_MS = 75_000

interface Said { count: number, until: number }

/** How many look at a chat on the other nodes, as each of them has last said. Who says nothing any more (a node that died) is forgotten. */
export class Elsewhere {
  readonly #chats = new Map<string, Map<string, Said>>()

  heard ({ chatId, node, count }: ViewersFrame): void {
    const nodes = this.#chats.get(chatId) ?? new Map<string, Said>()
    if (count === 0) nodes.delete(node)
    else nodes.set(node, { count, until: Date.now() + LEASE_MS })
    if (nodes.size === 0) this.#chats.delete(chatId)
    else this.#chats.set(chatId, nodes)
  }

  count (chatId: string): number {
    const now = Date.now()
    let count = 0
    for (const said of this.#chats.get(chatId)?.values() ?? []) if (said.until > now) count += said.count
    return count
  }

  /** Drops what counts no longer. */
  tidy (): void {
    const now = Date.now()
    for (const [chatId, nodes] of this.#chats) {
      for (const [node, { until }] of nodes) if (until <= now) nodes.delete(node)
      if (nodes.size === 0) this.#chats.delete(chatId)
    }
  }
}
