// Loaded into a server process by the tests (--import), beside the product: tells what the process holds on to.
import { Socket } from 'node:net'
import { getHeapStatistics, queryObjects } from 'node:v8'

/** What is left after everything that is garbage has been collected. */
export interface Holdings {
  heapBytes: number
  externalBytes: number
  /** All that are not garbage, also those that have fired or were cleared and that somebody still names. */
  timers: number
  /** What keeps the process alive, by kind (timers that are due among it); of sockets all that there are. */
  handles: Record<string, number>
  /** How many there are of the classes whose objects come and go with clients. */
  objects: Record<string, number>
}

/** These modules are the server's own: it has loaded them already. */
const CLASSES = { Connection: 'connection.ts', Chain: 'chain.ts' }

const Timer = setTimeout(() => {}, 0).constructor as new () => NodeJS.Timeout

/** As much as can be told at once: `Holdings` asks the whole heap, which takes seconds. `handles`: what keeps the process alive, by kind, sockets and due timers among it. */
export type Stock = Pick<Holdings, 'heapBytes' | 'externalBytes' | 'handles'>

function glance (): Stock {
  globalThis.gc?.()
  const kinds = process.getActiveResourcesInfo()
  return {
    heapBytes: getHeapStatistics().used_heap_size,
    externalBytes: process.memoryUsage().external,
    handles: Object.fromEntries([...Map.groupBy(kinds, kind => kind)].map(([kind, all]) => [kind, all.length])),
  }
}

async function takeStock (): Promise<Holdings> {
  const objects: Holdings['objects'] = {}
  for (const [name, file] of Object.entries(CLASSES)) {
    const module = await import(`../../../src/realtime/${file}`) as Record<string, new () => object>
    objects[name] = queryObjects(module[name] as new () => object, { format: 'count' })
  }
  const timers = queryObjects(Timer, { format: 'count' })
  globalThis.gc?.()
  const { used_heap_size: heapBytes } = getHeapStatistics()
  const { external } = process.memoryUsage()
  return { heapBytes, externalBytes: external, timers, handles: handles(), objects }
}

/** What the process has of the machine, once it has given back what it does not need. */
function weigh (): { residentBytes: number } {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  return { residentBytes: process.memoryUsage.rss() }
}

function handles (): Record<string, number> {
  const kinds = process.getActiveResourcesInfo().filter(kind => kind !== 'TCPSocketWrap')
  const sockets = queryObjects(Socket as unknown as new () => Socket, { format: 'count' })
  return { ...Object.fromEntries([...Map.groupBy(kinds, kind => kind)].map(([kind, all]) => [kind, all.length])), sockets }
}

process.on('message', message => {
  if (message === 'weigh') process.send?.(weigh())
  if (message === 'glance') process.send?.(glance())
  if (message === 'take stock') void takeStock().then(holdings => process.send?.(holdings))
})
process.channel?.unref() // the server ends when it would without us
