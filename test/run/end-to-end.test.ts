// What the README says, with the real process and a client that knows nothing but what is printed.
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { dataFolder, ParleyProcess, postmasterOf } from '../helpers/process.ts'

interface Frame { type: string, re?: number, data: any }

/** One of two people with a terminal. */
class Person {
  readonly authorization: string
  readonly #socket: WebSocket
  readonly #frames: Frame[] = []

  constructor (t: Test, [, url, authorization]: RegExpMatchArray) {
    this.authorization = authorization!
    this.#socket = new WebSocket(url!, { headers: { authorization: this.authorization } })
    this.#socket.on('message', data => this.#frames.push(JSON.parse(String(data))))
    t.after(() => this.#socket.terminate())
  }

  send (frame: string): void {
    this.#socket.send(frame)
  }

  /** The data of the first such frame, whether it has come already or not. */
  async receives (type: string, is: (frame: Frame) => boolean = () => true): Promise<any> {
    for (;;) {
      const frame = this.#frames.find(each => each.type === type && is(each))
      if (frame) return frame.data
      await once(this.#socket, 'message')
    }
  }

  async isDisconnected (): Promise<number> {
    const [code] = await once(this.#socket, 'close')
    return code
  }
}

/** Pastes the printed lines into two terminals: both are connected, and `hello` is what alice is to send. */
async function paste (t: Test, parley: ParleyProcess): Promise<{ alice: Person, bob: Person, hello: string, address: string }> {
  const [hello] = await parley.printed(/^\{"id":1,.*\}$/m)
  const [alice, bob] = [...parley.stdout.matchAll(/^npx wscat -c (\S+) -H "Authorization: (Bearer \S+)"$/gm)].map(line => new Person(t, line))
  const [, address] = await parley.printed(/API documentation: (\S+)\/docs/)
  t.equal((await alice!.receives('authenticated')).userId, 'alice')
  t.equal((await bob!.receives('authenticated')).userId, 'bob')
  return { alice: alice!, bob: bob!, hello, address: address! }
}

async function get (url: string, { authorization }: Person): Promise<any> {
  const response = await fetch(url, { headers: { authorization } })
  return response.json()
}

/** The conversation as bob finds it over REST. */
async function history (address: string, bob: Person): Promise<string[]> {
  const api = `${address}/api/v1/chat`
  const chats = await get(`${api}/sessions`, bob)
  const messages = await get(`${api}/sessions/${chats.data[0].chat.id}/messages`, bob)
  return messages.data.map((message: { content: string }) => message.content).sort()
}

const isContent = (content: string) => ({ data }: Frame) => data.message.content === content

t.test('two people chat by the printed lines; after a restart the history is there', async t => {
  const dataDir = await dataFolder(t)
  const first = new ParleyProcess(t, { DATA_DIR: dataDir })
  const { alice, bob, hello, address } = await paste(t, first)

  alice.send(hello)
  t.match(await alice.receives('message_sent', ({ re }) => re === 1), { duplicate: false, message: { senderId: 'alice', content: 'Hello', seq: 1 } })
  t.match(await bob.receives('message_received', isContent('Hello')), { message: { senderId: 'alice' } })
  bob.send('{"id":1,"type":"send_message","data":{"targetUserId":"alice","content":"Hi Alice"}}')
  t.match(await alice.receives('message_received', isContent('Hi Alice')), { message: { senderId: 'bob', seq: 2 } })

  t.equal((await fetch(`${address}/docs/`)).status, 200)
  t.equal((await fetch(`${address}/health/ready`)).status, 200)

  const codes = Promise.all([alice.isDisconnected(), bob.isDisconnected()])
  first.terminate()
  t.same(await codes, [4001, 4001])
  t.match(await first.exited, { code: 0 })
  await t.rejects(postmasterOf(dataDir), { code: 'ENOENT' }, 'PostgreSQL was shut down')

  const second = new ParleyProcess(t, { DATA_DIR: dataDir })
  const again = await paste(t, second)
  t.same(await history(again.address, again.bob), ['Hello', 'Hi Alice'])

  const code = again.alice.isDisconnected()
  second.interrupt()
  t.equal(await code, 4001)
  t.match(await second.exited, { code: 0 }, 'a Ctrl-C stops it in good order, too')
  await t.rejects(postmasterOf(dataDir), { code: 'ENOENT' })
})

t.test('nothing is lost when everything is killed, or only Parley', async t => {
  const dataDir = await dataFolder(t)
  const first = new ParleyProcess(t, { DATA_DIR: dataDir })
  const one = await paste(t, first)
  one.alice.send(one.hello)
  await one.alice.receives('message_sent')
  first.killAll()
  process.kill(await postmasterOf(dataDir), 'SIGKILL')
  await first.exited

  const second = new ParleyProcess(t, { DATA_DIR: dataDir })
  const two = await paste(t, second)
  two.alice.send('{"id":2,"type":"send_message","data":{"targetUserId":"bob","content":"Again"}}')
  await two.alice.receives('message_sent')
  second.killAll()
  await second.exited

  const three = await paste(t, new ParleyProcess(t, { DATA_DIR: dataDir }))
  t.same(await history(three.address, three.bob), ['Again', 'Hello'])
})
