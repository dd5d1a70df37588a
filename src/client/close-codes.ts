/**
 * What to do when a socket has closed.
 *
 * - reconnect: come back and catch up
 * - renew: the same, the token was too old (a fresh one is asked for at every connect)
 * - forget: the database has another history now: what is here is worthless
 * - slow-down: we have asked for too much
 * - stop: coming back would end in the same way
 */
export type AfterClose = 'reconnect' | 'renew' | 'forget' | 'slow-down' | 'stop'

const MENDING: Record<number, AfterClose> = { 4101: 'renew', 4102: 'forget', 4103: 'slow-down' }
export const FRAME_TOO_LARGE = 1009

export function afterClose (code: number): AfterClose {
  if (code === FRAME_TOO_LARGE || (code >= 4400 && code < 4500)) return 'stop'
  return MENDING[code] ?? 'reconnect'
}
