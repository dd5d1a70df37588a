// What a node holds on to when everything is over, against what it held before: with the same people here, and nothing to do.
import type { Stock } from '../helpers/probe.ts'

const MIB = 1024 * 1024
const MAY_GROW_BYTES = 20 * MIB
/** The sweep, the leases and the index of the search may each be asking the database just now: a timer each, and one of the connection. */
const IN_THE_BACKGROUND = 6
/** What comes and goes by itself: connections to the database of which there may be so many, and what is read and asked just now. */
export const DATABASE_CONNECTIONS = 6
const COME_AND_GO: Record<string, number> = { Timeout: IN_THE_BACKGROUND, TCPSocketWrap: DATABASE_CONNECTIONS }
/** Requests of files and names under way. */
const REQUESTS = /Req|Immediate|Promise|TickObject|WriteWrap|ShutdownWrap/

/** Sockets, timers and other handles: no more than there were. */
export function keepsTooMuch ({ node, base, now }: { node: number, base: Stock, now: Stock }): string[] {
  const more = (what: string, from: number, to: number) => `node ${node} has ${what}: ${from} before, ${to} now`
  const handles = Object.entries(now.handles).filter(([name, count]) => !REQUESTS.test(name) && count > (base.handles[name] ?? 0) + (COME_AND_GO[name] ?? 0))
  return [
    ...handles.map(([name, count]) => more(name, base.handles[name] ?? 0, count)),
    ...(['heapBytes', 'externalBytes'] as const).filter(name => now[name] - base[name] >= MAY_GROW_BYTES).map(name => more(`MiB of ${name}`, Math.round(base[name] / MIB), Math.round(now[name] / MIB))),
  ]
}
