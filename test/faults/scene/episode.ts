// One episode: a crowd of its own comes, lives, is struck by faults one after the other, and rests when all has healed. Then it is looked at what is left.
import type { Test } from 'tap'
import { check, type Violation } from '../check/checker.ts'
import type { Evidence, Patience } from '../check/evidence.ts'
import type { Fault } from '../kinds/fault.ts'
import { seeded } from '../../helpers/random-operations.ts'
import { Crowd } from './crowd.ts'
import { databaseFacts, likenesses, presences, settledStock } from './gather.ts'
import { SWEEP_SECONDS, whenWell, type Ground, type Place } from './place.ts'

export interface EpisodeOptions { name: string, faults: Fault[], people: number, paceMs: number, seed: number, patience: Patience }

export interface Report { violations: Violation[], evidence: Evidence, closes: Record<string, number>, seconds: number }

export async function play (t: Pick<Test, 'teardown'>, ground: Ground, { name, faults, patience, ...options }: EpisodeOptions): Promise<Report> {
  const begun = Date.now()
  const { balancer } = ground
  balancer.start()
  const crowd = await Crowd.gather(t, balancer, { name, ...options })
  const place: Place = { ...ground, crowd, random: seeded(options.seed), stopped: [], busOutages: [] }
  balancer.stop() // it is a client, too, and would be found among what the nodes hold
  await crowd.goHome()
  const base = await settledStock(place)
  balancer.start()

  crowd.start()
  await crowd.visit()
  await crowd.getOn()
  const struckAt = Date.now()
  for (const [index, fault] of faults.entries()) {
    await fault.strike(place)
    if (index === 0) crowd.partWithVisitors()
    await whenWell(place)
    crowd.sendHome()
    await crowd.getOn()
  }
  // Where a fault lies on the bus nodes hear nothing of each other; how long that was nobody knows better than this.
  place.busOutages.push({ from: struckAt, to: Date.now() })
  await crowd.rest()
  balancer.stop()
  await crowd.goHome()

  const now = await settledStock(place, base)
  const { operations, commands, sightings, events, surprises } = crowd.recorder
  const evidence: Evidence = {
    operations,
    commands,
    sightings,
    events,
    surprises,
    database: await databaseFacts(place),
    likenesses: await likenesses(place),
    presences: await presences(place, patience.presence),
    holdings: now.map((now, node) => ({ node, now, base: base[node] as typeof now })),
    stopped: place.stopped,
    busOutages: place.busOutages,
    sweepMs: SWEEP_SECONDS * 1000,
    patience,
  }
  crowd.leave()
  return { violations: check(evidence), evidence, closes: crowd.recorder.closes, seconds: (Date.now() - begun) / 1000 }
}
