/** As much of the standard WebSocket as the client uses: a browser's, Node's, or that of the `ws` package. */
export interface WebSocketLike {
  send (data: string): void
  close (code?: number, reason?: string): void
  addEventListener (type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener (type: 'close', listener: (event: { code: number, reason: string }) => void): void
  addEventListener (type: 'error', listener: () => void): void
}

export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike
