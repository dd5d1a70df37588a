import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A node that takes no connection within this time is passed over. */
const CONNECT_TIMEOUT_MS = 2_000

/** A TCP balancer for trying things out: connections go to the nodes by turns, past those that take none. */
export class Balancer {
  readonly #server: Server
  readonly #ports: number[]
  readonly #sockets = new Set<Socket>()
  #next = 0

  private constructor (ports: number[]) {
    this.#ports = ports
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, client => { void this.#serve(client) })
  }

  /** @param ports of this machine */
  static async listen (host: string, port: number, ports: number[]): Promise<Balancer> {
    const balancer = new Balancer(ports)
    await once(balancer.#server.listen(port, host), 'listening')
    return balancer
  }

  get port (): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close (): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #serve (client: Socket): Promise<void> {
    client.on('error', () => client.destroy())
    this.#keep(client)
    const node = await this.#pick()
    if (!node) {
      client.destroy()
      return
    }
    node.on('error', () => node.destroy())
    this.#keep(node)
    node.on('close', () => client.destroy())
    client.on('close', () => node.destroy())
    if (client.destroyed) node.destroy()
    else client.pipe(node).pipe(client)
  }

  async #pick (): Promise<Socket | undefined> {
    const first = this.#next++
    for (let n = 0; n < this.#ports.length; n++) {
      const socket = connect({ host: '127.0.0.1', port: this.#ports[(first + n) % this.#ports.length] ?? 0, allowHalfOpen: true })
      const timer = setTimeout(() => socket.destroy(new Error('too late')), CONNECT_TIMEOUT_MS)
      const isThere = await once(socket, 'connect').then(() => true, () => false)
      clearTimeout(timer)
      if (isThere) return socket
    }
    return undefined
  }

  #keep (socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }
}
