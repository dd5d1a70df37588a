// Many clients that send nothing: who is there, and who comes back. A process of its own.
import { LightSocket } from './light-socket.ts'
import { serveTasks } from './worker.ts'

export type Clients = typeof tasks

export interface Returning { token: string, inboxRevision: number, /** By chat: the revision that the client knows. */ cursors: Record<string, number> }

export interface Convergence {
  seconds: number
  /** Until each client had its answer to `sync`, and until it had everything: seconds from the first connection. */
  synced: number[]
  converged: number[]
  messages: number
  bytes: number
  errors: string[]
}

/** Handshakes that are under way at once, where nobody is in a hurry. */
const AT_ONCE = 50

const sockets: LightSocket[] = []

const tasks = {
  /** Opens a socket for each token, and stays. Without tokens: bare ones. */
  async stay ({ url, tokens }: { url: string, tokens: (string | null)[] }): Promise<void> {
    const left = tokens.toReversed()
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let token = left.pop(); token !== undefined; token = left.pop()) sockets.push(await enter(url, token))
    }))
  },

  /** All connect at once, sync, and ask for what has changed in the chats whose head is above their cursor. */
  async comeBack ({ url, clients }: { url: string, clients: Returning[] }): Promise<Convergence> {
    const outcome: Convergence = { seconds: 0, synced: [], converged: [], messages: 0, bytes: 0, errors: [] }
    const started = performance.now()
    const elapsed = () => (performance.now() - started) / 1000
    await Promise.all(clients.map(client => comeBack(url, client, outcome, elapsed)))
    outcome.seconds = elapsed()
    return outcome
  },

  close (): void {
    for (const socket of sockets.splice(0)) socket.close()
  },
}

async function enter (url: string, token: string | null): Promise<LightSocket> {
  if (token === null) return LightSocket.open(url, undefined, () => {})
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = await LightSocket.open(url, token, (bytes, start, end) => {
    const text = bytes.toString('latin1', start, end)
    if (text.startsWith('{"type":"authenticated"')) resolve()
    else reject(new Error(text))
  })
  await promise
  socket.onFrame = () => {}
  return socket
}

interface Head { chatId: string, lastRevision: number }

async function comeBack (url: string, { token, inboxRevision, cursors }: Returning, outcome: Convergence, elapsed: () => number): Promise<void> {
  const done = Promise.withResolvers<void>()
  const fail = (error: unknown) => {
    outcome.errors.push(String(error))
    done.resolve()
  }
  let left = 0
  const finish = () => {
    outcome.converged.push(elapsed())
    done.resolve()
  }
  const heads = new Map<string, number>()
  // (the first frame may come together with the end of the handshake)
  const ask = (id: number, type: string, data: object) => { void opened.then(socket => socket.send(JSON.stringify({ id, type, data })), fail) }
  const onFrame = (bytes: Buffer, start: number, end: number): void => {
    outcome.bytes += end - start
    const beginning = bytes.toString('latin1', start, Math.min(end, start + 300))
    if (beginning.startsWith('{"type":"authenticated"')) {
      const { data: { epoch } } = JSON.parse(bytes.toString('utf8', start, end)) as { data: { epoch: string } }
      return ask(0, 'sync', { epoch, inboxRevision })
    }
    if (!beginning.startsWith('{"re":')) return beginning.startsWith('{"type":"error"') ? fail(beginning) : undefined // who has come online, what they have got
    if (beginning.includes('"type":"synced"')) {
      outcome.synced.push(elapsed())
      const { data } = JSON.parse(bytes.toString('utf8', start, end)) as { data: { reset: boolean, nextCursor: string | null, heads: Head[] } }
      if (data.reset || data.nextCursor !== null) return fail('sync has begun anew')
      const behind = data.heads.filter(({ chatId, lastRevision }) => lastRevision > (cursors[chatId] ?? 0))
      left = behind.length
      for (const [index, { chatId, lastRevision }] of behind.entries()) {
        heads.set(chatId, lastRevision)
        ask(index + 1, 'changes', { chatId, since: cursors[chatId] ?? 0 })
      }
      return left === 0 ? finish() : undefined
    }
    const [, chatId = '', upTo, hasMore] = /"type":"changes","data":\{"chatId" : "([^"]+)", "since" : \d+, "upTo" : (\d+), "hasMore" : (\w+)/.exec(beginning) ?? []
    if (chatId === '') return fail(beginning)
    if (Number(upTo) !== heads.get(chatId) || hasMore !== 'false') return fail(`${chatId}: up to ${upTo} of ${heads.get(chatId)}`)
    outcome.messages += count(bytes.subarray(start, end), '"clientMessageId"')
    if (--left === 0) finish()
  }
  const opened = LightSocket.open(url, token, onFrame)
  opened.then(socket => {
    sockets.push(socket)
    void socket.closed.then(code => fail(`closed with ${code}`))
  }, fail)
  await done.promise
}

function count (bytes: Buffer, what: string): number {
  let found = 0
  for (let at = bytes.indexOf(what, 0, 'latin1'); at >= 0; at = bytes.indexOf(what, at + what.length, 'latin1')) found++
  return found
}

serveTasks(tasks)
