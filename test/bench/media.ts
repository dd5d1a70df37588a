// Files of 10 MB (film: their bytes stay as they are) up and down, four at once; against a bare pipe to and from the same disk. --files=N a round.
import { spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { makeGroup } from '../helpers/world.ts'
import { video } from '../media/samples.ts'
import type { Figures } from './figures.ts'
import type { Stage } from './stage.ts'

const FRAMES = 100
const FRAME_BYTES = 100 * 1024
const AT_ONCE = 4
const ROUNDS = 5
const MB = 1e6

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })

interface Server { upload: (file: Buffer) => Promise<string>, download: (name: string) => Promise<number> }

export async function media (stage: Stage, figures: Figures, options: Record<string, string>): Promise<void> {
  const files = Number(options.files ?? 20)
  const dir = await mkdtemp(join(tmpdir(), 'parley-bench-media-')) // of both
  const bareChild = spawn(process.execPath, ['test/bench/bare-media.ts'], { env: { ...process.env, DIR: dir, PORT: `${BARE_PORT}` }, stdio: ['ignore', 'ignore', 'inherit'] })
  try {
    const file = await video('mp4', { width: 1280, height: 720, frames: FRAMES, frameBytes: FRAME_BYTES })
    const ours = await parley(stage, await stage.serve({ DATA_DIR: dir }))
    const theirs = await bare()
    await measure(ours, file, files)
    await measure(theirs, file, files)
    const [our, their] = [{ up: 0, down: 0 }, { up: 0, down: 0 }]
    const bytes = file.length * files * ROUNDS
    for (let round = 0; round < ROUNDS; round++) {
      for (const [server, seconds] of [[ours, our], [theirs, their]] as const) {
        const { up, down } = await measure(server, file, files)
        seconds.up += up
        seconds.down += down
      }
    }
    figures.add('upload', bytes / MB / our.up, 'MB/s', bytes / MB / their.up, '≥ 0.6 ×')
    figures.add('download', bytes / MB / our.down, 'MB/s', bytes / MB / their.down, '≥ 0.6 ×')
    const { memory, loopDelay } = await stage.probe()
    figures.add('memory of the server, at the end', memory.rss / MB, 'MB')
    figures.add('delay of its loop, p99', loopDelay.p99, 'ms')
  } finally {
    agent.destroy()
    bareChild.kill()
    await rm(dir, { recursive: true })
  }
}

/** How long it takes to upload them all, and to download them all. Seconds. */
async function measure (server: Server, file: Buffer, count: number): Promise<{ up: number, down: number }> {
  const names: string[] = []
  const up = await seconds(count, async () => { names.push(await server.upload(file)) })
  const down = await seconds(count, async index => {
    const size = await server.download(names[index]!)
    if (size !== file.length) throw new Error(`${size} bytes have come back, not ${file.length}`)
  })
  return { up, down }
}

async function seconds (count: number, task: (index: number) => Promise<void>): Promise<number> {
  const started = performance.now()
  let next = 0
  await Promise.all(Array.from({ length: AT_ONCE }, async () => { while (next < count) await task(next++) }))
  return (performance.now() - started) / 1000
}

async function parley (stage: Stage, url: string): Promise<Server> {
  const chatId = await makeGroup({ url, token: stage.token }, 'alice', ['bob'])
  const authorization = `Bearer ${stage.token('alice')}`
  const boundary = 'a-boundary-as-browsers-make-them'
  const head = Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="chatId"\r\n\r\n${chatId}\r\n--${boundary}\r\nContent-Disposition: form-data; name="files"; filename="film.mp4"\r\nContent-Type: video/mp4\r\n\r\n`)
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  return {
    upload: async file => {
      randomFillSync(file, file.length >> 1, 16) // in a frame: the same bytes would not be stored again
      const answer = await ask(`${url}/api/v1/chat/media`, { method: 'POST', headers: { authorization, 'content-type': `multipart/form-data; boundary=${boundary}` } }, [head, file, tail])
      return JSON.parse(String(answer)).data[0].attachment.url
    },
    download: async path => (await ask(`${url}${path}`, { headers: { authorization } })).length,
  }
}

const BARE_PORT = 40_000 + Math.floor(Math.random() * 10_000)

async function bare (): Promise<Server> {
  const url = `http://127.0.0.1:${BARE_PORT}`
  while (!await fetch(`${url}/none`).then(() => true, () => false)) await after(50)
  return {
    upload: async file => String(await ask(url, { method: 'POST', headers: {} }, [file])),
    download: async name => (await ask(`${url}/${name}`, { headers: {} })).length,
  }
}

/** @returns the body. @throws unless it went well */
async function ask (url: string, { method = 'GET', headers }: { method?: string, headers: Record<string, string> }, parts: Buffer[] = []): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    const asked = request(url, { agent, method, headers: { ...headers, ...(length > 0 && { 'content-length': length }) } }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk)).on('error', reject).on('end', () => {
        const body = Buffer.concat(chunks)
        if (response.statusCode! < 300) resolve(body)
        else reject(new Error(`${response.statusCode}: ${body.toString()}`))
      })
    }).on('error', reject)
    for (const part of parts) asked.write(part)
    asked.end()
  })
}
