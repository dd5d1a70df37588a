/**
 * Where a test may have this process die, as if by kill -9: between two steps that no signal from outside would hit. Armed by FAILPOINT, which
 * `config.ts` refuses in production; unarmed a pass is one comparison.
 *
 * - publish: a change is committed, and nobody has been told
 * - answer: the others are being told, and who has asked has no answer yet
 */
export const FAILPOINTS = ['publish', 'answer'] as const
export type Failpoint = typeof FAILPOINTS[number]

/** The process dies when it passes the point for the `nth` time. */
export interface ArmedFailpoint { point: Failpoint, nth: number }

let armed: { point: Failpoint, left: number } | null = null

export function armFailpoint (failpoint: ArmedFailpoint | null): void {
  armed = failpoint && { point: failpoint.point, left: failpoint.nth }
}

export function pass (point: Failpoint): void {
  if (armed?.point === point && --armed.left === 0) process.kill(process.pid, 'SIGKILL')
}
