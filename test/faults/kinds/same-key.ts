import { ClientError } from '../../../src/client/errors.ts'
import { insist } from '../scene/insist.ts'
import type { Place } from '../scene/place.ts'
import type { Fault } from './fault.ts'
import { killNode } from './node-killed.ts'

const CONNECTIONS = 10
const KEYS = 20

/** The same message by several connections at once: all of them are told the same one. */
async function sendOnAll ({ crowd }: Place, number: number): Promise<void> {
  const { userId } = crowd.people[0]!
  const chatId = crowd.chatIds[0]!
  const key = `${userId} everywhere ${number}`
  const told = await Promise.all(crowd.doubles.map(({ client }) => insist(() => client.command('send_message', { chatId, content: key, clientMessageId: key }))))
  const [first] = told
  const others = told.filter(({ message }) => message.id !== first?.message.id || message.revision !== first.message.revision)
  const answer = first?.message
  if (others.length > 0) crowd.recorder.surprises.push(`${key} is ${told.map(({ message }) => `${message.id} at ${message.revision}`).join(', ')}`)
  if (told.filter(({ duplicate }) => !duplicate).length > 1) crowd.recorder.surprises.push(`${key} was new to more than one`)
  if (answer) crowd.recorder.operations.push({ kind: 'send', userId, chatId, outcome: 'ok', lostAttempts: 0, key, message: answer })
}

export const sameKey: Fault = {
  name: 'same-key',
  what: `${KEYS} times the same clientMessageId on ${CONNECTIONS} connections to different nodes at once, of which one is killed meanwhile`,
  async strike (place) {
    await place.crowd.double(CONNECTIONS)
    const killing = killNode(place)
    try {
      for (let number = 0; number < KEYS; number++) await sendOnAll(place, number)
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      place.crowd.recorder.surprises.push(`the same key was refused with ${error.code}`)
    }
    await killing
    for (const { client } of place.crowd.doubles) client.stop()
  },
}
