import type { Place } from '../scene/place.ts'

/** Something that goes wrong, and is mended again before `strike` returns. */
export interface Fault {
  name: string
  /** What is done. */
  what: string
  /** On this bus alone. */
  needs?: 'redis'
  /** The tables lie on a small disk of their own, which the user may have to be root for. */
  needsDisk?: true
  strike (place: Place): Promise<void>
}
