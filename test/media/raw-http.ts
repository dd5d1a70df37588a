// Requests that no HTTP client would make.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawAnswer { status: number, code: string | undefined, body: string }

/** What an endless body is made of: it goes on until the server has had enough. */
export interface RawRequest {
  headers: Record<string, string | undefined>
  /** Sent as they are. */
  body?: (Buffer | string)[]
  /** Sent again and again behind the body, for as long as the other side takes it. */
  endless?: Buffer
  /** Half closes the connection behind the body, as who has gone does. */
  hangUp?: boolean
}

/** A POST, byte by byte as it is given. @returns undefined where the connection is closed without an answer */
export async function postRaw (url: string, path: string, { headers, body = [], endless, hangUp = false }: RawRequest): Promise<RawAnswer | undefined> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const answer = read(socket)
  const lines = Object.entries({ host, connection: 'close', ...headers }).map(([name, value]) => value === undefined ? '' : `${name}: ${value}\r\n`).join('')
  socket.write(`POST ${path} HTTP/1.1\r\n${lines}\r\n`)
  for (const part of body) socket.write(part)
  if (hangUp) socket.end()
  if (endless) pour(socket, endless)
  try {
    return await answer
  } finally {
    socket.destroy()
  }
}

/** For as long as it is taken; to be cut off is what this is about. */
function pour (socket: Socket, chunk: Buffer): void {
  const more = () => { while (!socket.destroyed && socket.write(chunk)); }
  socket.on('drain', more)
  more()
}

async function read (socket: Socket): Promise<RawAnswer | undefined> {
  let text = ''
  socket.setEncoding('utf8').on('data', part => { text += part })
  await new Promise<void>(resolve => socket.on('error', () => resolve()).on('close', () => resolve()).on('end', () => resolve()))
  const [head = '', ...rest] = text.split('\r\n\r\n')
  if (head === '') return undefined
  const body = rest.join('\r\n\r\n')
  return { status: Number(head.slice(9, 12)), code: /"code":"(\w+)"/.exec(body)?.[1], body }
}
