import type { VNode } from 'preact'
import { duration, fileSize } from '../kit/format.ts'
import { html } from '../kit/html.ts'
import type { Overview } from './api.ts'

/** A transaction that is open for longer keeps vacuum, and perhaps others, waiting. */
const LONG_TRANSACTION_S = 60
const SLOW_MS = 100

export function Health ({ overview: { database, bus, uptimeSeconds, sockets }, isTrouble }: { overview: Overview, isTrouble: boolean }): VNode {
  const { pool } = database
  const row = (name: string, value: string, isWell = true): VNode => html`<div><dt>${name}</dt><dd class=${isWell ? '' : 'unwell'}>${value}</dd></div>`
  const state = (isWell: boolean, text: string): VNode => html`<span class=${`pill ${isWell ? 'well' : 'unwell'}`}>${text}</span>`
  return html`
    <section class="card" aria-labelledby="postgresql">
      <h2 id="postgresql">PostgreSQL ${state(!isTrouble, isTrouble ? 'no answer' : 'answers')}</h2>
      <dl>
        ${row('Answers in', `${database.latencyMs.toLocaleString()} ms`, database.latencyMs < SLOW_MS)}
        ${row('Connections of this process', `${pool.used} at work, ${pool.idle} idle`)}
        ${row('Waiting for one', String(pool.waiting), pool.waiting === 0)}
        ${row('Connections of everybody', `${database.connections} of ${database.maxConnections}`, database.connections < 0.9 * database.maxConnections)}
        ${row('Longest transaction', duration(database.longestTransactionSeconds * 1000), database.longestTransactionSeconds < LONG_TRANSACTION_S)}
        ${row('Size', fileSize(database.sizeBytes))}
        ${row('Version', database.serverVersion)}
      </dl>
    </section>
    <section class="card" aria-labelledby="bus">
      <h2 id="bus">Bus ${state(bus.isUp, bus.isUp ? 'up' : 'down')}</h2>
      <dl>
        ${row('Kind', bus.kind)}
        ${row('This process runs for', duration(uptimeSeconds * 1000))}
        ${row('Sockets refused', sockets.refused.toLocaleString(), sockets.refused === 0)}
        ${row('Slow readers cut', sockets.slowReadersCut.toLocaleString(), sockets.slowReadersCut === 0)}
      </dl>
      <p class="note">${bus.isUp ? (bus.kind === 'memory' ? 'There is one process, which needs none.' : 'Other nodes are heard.') : 'Other nodes are not heard: the newest chats are compared with the database every 2 s.'}</p>
    </section>`
}
