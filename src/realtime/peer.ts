/** One open socket, as the hub sees it. */
export interface Peer {
  readonly id: string
  readonly userId: string
  /** When the token that it has come in with was issued, in milliseconds, if the token says so. */
  readonly issuedAt?: number | null
  /** `frame`: with its header, see `encodeFrame`. `fleeting`: may be dropped when the socket is slow. */
  send (frame: Buffer, fleeting: boolean): void
  close (code: number): void
}
