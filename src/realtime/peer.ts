/** One open socket, as the hub sees it. */
export interface Peer {
  readonly id: string
  readonly userId: string
  /** When their token was, in milliseconds. 0: it does not say. */
  readonly issuedAt: number
  /** `frame`: with its header, see `encodeFrame`. `fleeting`: may be dropped when the socket is slow. */
  send (frame: Buffer, fleeting: boolean): void
  close (code: number): void
}
