import type { FastifyBaseLogger } from 'fastify'
import { Type } from 'typebox'
import { parseJson } from '../json.ts'
import { compile } from '../plugins/validation.ts'
import { ChatId, Revision } from '../primitives.ts'
import type { Hub } from './hub.ts'
import type { Listener } from './listener.ts'

/** `chat.send_messages` says it there, with p_notify. */
const CHANNEL = 'parley'

const checkNotice = compile(Type.Object({ chatId: ChatId, revision: Revision }), 'notice')

/**
 * Hears of messages that an application has sent in a transaction of its own. The notice is a hint: the hub reads what it
 * says from the tables, and the sweep finds what was never heard.
 */
export function hearSqlSends (listener: Listener, hub: Hub, log: FastifyBaseLogger): void {
  listener.hear(CHANNEL, payload => {
    try {
      const { chatId, revision } = checkNotice(parseJson(payload)) // anybody who may connect to the database may notify
      hub.pull({ kind: 'hint', chatId, revision })
    } catch (err) {
      log.warn({ err }, 'a notice that is not ours')
    }
  })
}
