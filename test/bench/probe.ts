// Loaded into the server's process (`--import`), beside a server that knows nothing of it: how late its loop was, what it has used.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 2

export interface Probe {
  /** Of the loop, in ms: how long a timer that was due had to wait. */
  loopDelay: { p50: number, p99: number, max: number }
  /** Since the start of the process, in s. */
  cpuSeconds: number
  memory: NodeJS.MemoryUsage
}

const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delays.enable()

process.on('message', (question: { probe: number, reset?: boolean, collect?: boolean }) => {
  if (question.collect) globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' }) // and gives back what is free
  const { user, system } = process.cpuUsage()
  const [p50, p99, max] = [delays.percentile(50), delays.percentile(99), delays.max].map(ns => Math.max(0, ns / 1e6 - RESOLUTION_MS)) as [number, number, number]
  if (question.reset) delays.reset()
  const probe: Probe = { loopDelay: { p50, p99, max }, cpuSeconds: (user + system) / 1e6, memory: process.memoryUsage() }
  process.send?.({ probe: question.probe, ...probe })
})
process.channel?.unref() // who is asked stays, but does not stay for that
