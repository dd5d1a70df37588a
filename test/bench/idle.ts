// What 5,000 sockets cost the server that are signed in and then do nothing, against as many of a bare `ws`. Each user is in two chats.
// --sockets=N
import type { BareWs } from './bare-ws.ts'
import type { Clients } from './clients.ts'
import type { Figures } from './figures.ts'
import { makeDirectChats, userOf } from './population.ts'
import { Stage } from './stage.ts'
import { startWorker } from './worker.ts'

export async function idle (stage: Stage, figures: Figures, options: Record<string, string>): Promise<void> {
  const count = Number(options.sockets ?? 5000)
  await makeDirectChats(stage.db, count / 2)
  const clients = await startWorker<Clients>('clients.ts')
  const bare = await startWorker<BareWs>('bare-ws.ts', { execArgv: ['--expose-gc'] })
  try {
    const url = Stage.socketUrl(await stage.serve())
    const ours = async () => (await stage.probe({ collect: true })).memory
    const theirs = () => bare.ask('memory', {})
    const bareUrl = await bare.ask('listen', {})
    const tokens = Array.from({ length: count }, (_, n) => stage.token(userOf(n)))
    // Code that has not run yet, and pools that have not been filled: by a few of them.
    await clients.ask('stay', { url, tokens: tokens.slice(0, 100) })
    await clients.ask('stay', { url: bareUrl, tokens: Array.from({ length: 100 }, () => null) })

    const each = (before: NodeJS.MemoryUsage, after: NodeJS.MemoryUsage) => ({
      resident: (after.rss - before.rss) / count / 1024,
      used: (after.heapUsed + after.external - before.heapUsed - before.external) / count / 1024,
    })
    const [ourBase, theirBase] = [await ours(), await theirs()]
    const started = performance.now()
    await clients.ask('stay', { url, tokens })
    figures.add('signing in, 50 at a time', count / ((performance.now() - started) / 1000), '/s')
    const our = each(ourBase, await ours())
    await clients.ask('stay', { url: bareUrl, tokens: tokens.map(() => null) })
    const their = each(theirBase, await theirs())
    figures.add('resident memory of a socket', our.resident, 'KiB', their.resident, '≤ 2 ×')
    figures.add('heap and buffers of a socket', our.used, 'KiB', their.used, '≤ 2 ×')
    await stage.probe({ reset: true })
    const before = await stage.probe()
    await new Promise(resolve => setTimeout(resolve, 10_000))
    const after = await stage.probe()
    figures.add('CPU for all, idle', (after.cpuSeconds - before.cpuSeconds) * 10, '%')
    figures.add('delay of the loop meanwhile, p99', after.loopDelay.p99, 'ms')
  } finally {
    await clients.stop()
    await bare.stop()
  }
}
