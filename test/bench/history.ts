// The newest 50 messages of 200 chats of 500 each, by REST, 32 requests at once; against bare node:http and pg. --seconds=N of each, by turns.
import { spawn } from 'node:child_process'
import { setTimeout as after } from 'node:timers/promises'
import { loadChats, settle } from './big-chats.ts'
import { percentile, type Figures } from './figures.ts'
import { KeepAlive } from './keep-alive.ts'
import type { Stage } from './stage.ts'

const CHATS = 200
const MESSAGES = 500
const AT_ONCE = 32
const ROUNDS = 5

export async function history (stage: Stage, figures: Figures, options: Record<string, string>): Promise<void> {
  const chats = await loadChats(stage, Array.from({ length: CHATS }, (_, n) => Array.from({ length: 4 }, (_, member) => `user${n}-${member}`)), MESSAGES)
  await settle(stage)

  const url = await stage.serve()
  const bare = await serveBare(stage)
  try {
    const paths = chats.map(({ chatId, members }) => ({ path: `/api/v1/chat/sessions/${chatId}/messages`, headers: { authorization: `Bearer ${stage.token(members[0]!)}` } }))
    const barePaths = chats.map(({ chatId }) => ({ path: `/${chatId}`, headers: {} }))
    const ms = Number(options.seconds ?? 15) * 1000 / ROUNDS
    await ask(url, paths, ms)
    await ask(bare.url, barePaths, ms)
    const [ours, theirs]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(...await ask(url, paths, ms))
      theirs.push(...await ask(bare.url, barePaths, ms))
    }
    const perSecond = (times: number[]) => times.length / (ms * ROUNDS / 1000)
    figures.add('requests', perSecond(ours), '/s', perSecond(theirs), '≥ 0.7 ×')
    figures.add('p50', percentile(ours, 0.5), 'ms', percentile(theirs, 0.5))
    figures.add('p99', percentile(ours, 0.99), 'ms', percentile(theirs, 0.99))
  } finally {
    bare.stop()
  }
}

interface Target { path: string, headers: Record<string, string> }

/** As many as are answered in this time, each connection for one user after the other. @returns how long each took */
async function ask (url: string, targets: Target[], ms: number): Promise<number[]> {
  const times: number[] = []
  const until = performance.now() + ms
  const connections = await Promise.all(targets.map(async ({ path, headers }) => ({ path, connection: await KeepAlive.open(url, headers) })))
  const free = [...connections]
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (performance.now() < until) {
      const target = free.shift()!
      const started = performance.now()
      await target.connection.request('GET', target.path)
      times.push(performance.now() - started)
      free.push(target)
    }
  }))
  for (const { connection } of connections) connection.close()
  return times
}

async function serveBare (stage: Stage): Promise<{ url: string, stop: () => void }> {
  const port = 40_000 + Math.floor(Math.random() * 10_000)
  const child = spawn(process.execPath, ['test/bench/bare-history.ts'], { env: { ...process.env, DATABASE_URL: stage.databaseUrl, PORT: `${port}` }, stdio: ['ignore', 'ignore', 'inherit'] })
  const url = `http://127.0.0.1:${port}`
  while (!await fetch(`${url}/00000000-0000-0000-0000-000000000000`).then(() => true, () => false)) await after(50)
  return { url, stop: () => { child.kill() } }
}
