import { setTimeout as pause } from 'node:timers/promises'
import type { Failpoint } from '../../../src/failpoints.ts'
import type { Place } from '../scene/place.ts'
import type { Fault } from './fault.ts'
import { anyNode } from './pick.ts'

const MAX_PASSES = 12
const SEND_HOME_EVERY_MS = 1_000

/** A node begins anew, and dies at a failpoint when it passes it for the nth time; and so on. */
export async function killAt (place: Place, ...points: Failpoint[]): Promise<void> {
  const { process } = anyNode(place)
  await process.kill()
  for (const point of points) {
    await process.start({ FAILPOINT: `${point}:${1 + Math.floor(place.random() * MAX_PASSES)}` })
    const ended = process.ended().then(() => true)
    while (!await Promise.race([ended, pause(SEND_HOME_EVERY_MS, false)])) place.crowd.sendHome() // somebody has to be there
  }
  await process.start()
}

function killedAt (name: string, point: Failpoint, what: string): Fault {
  return {
    name,
    what: `${what}, three times, by FAILPOINT=${point}:…`,
    async strike (place) {
      for (let times = 0; times < 3; times++) await killAt(place, point)
    },
  }
}

export const killedBeforePublish = killedAt('killed-before-publish', 'publish', 'a node dies between a commit and its publication')
export const killedBeforeAnswer = killedAt('killed-before-answer', 'answer', 'a node dies between a commit and its acknowledgement, when others are being told')
