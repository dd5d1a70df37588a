// What media is held against: node:http, the body piped into a file, which is then brought down to the disk as ours is (file and folder: fsync), and out of it.
// No form, no hash, no type, no rows, nobody asked who they are. A process of its own.
import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const dir = process.env.DIR ?? ''

createServer((request, response) => {
  const answer = async () => {
    if (request.method === 'GET') {
      const path = join(dir, basename(request.url ?? ''))
      response.setHeader('content-length', (await stat(path)).size)
      await pipeline(createReadStream(path), response)
      return
    }
    const name = randomUUID()
    await pipeline(request, createWriteStream(join(dir, name)))
    for (const path of [join(dir, name), dir]) await sync(path)
    response.writeHead(201).end(name)
  }
  answer().catch((error: unknown) => { response.writeHead(500).end(String(error)) })
}).listen(Number(process.env.PORT), '127.0.0.1')

async function sync (path: string): Promise<void> {
  const handle = await open(path, 'r')
  await handle.sync()
  await handle.close()
}
