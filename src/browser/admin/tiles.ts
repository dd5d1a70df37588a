import type { VNode } from 'preact'
import { html } from '../kit/html.ts'
import type { Overview } from './api.ts'
import type { Sample } from './rates.ts'

const WIDTH = 160
const HEIGHT = 36

/** The figures that change, each with its last two minutes. */
export function Tiles ({ overview: { sockets, messagesSent, deliveries, gapsRepaired }, samples }: { overview: Overview, samples: Sample[] }): VNode {
  const last = samples.at(-1)
  const tile = (label: string, name: string, value: string, more: string, line: number[]): VNode => html`
    <section class="tile" aria-label=${label} data-tile=${name}>
      <h2>${label}</h2>
      <p class="figure">${value}</p>
      <p class="more">${more}</p>
      <${Line} values=${line} />
    </section>`
  return html`
    <div class="tiles">
      ${tile('Connections', 'connections', sockets.connections.toLocaleString(), `${sockets.users.toLocaleString()} users, ${sockets.chatsFollowed.toLocaleString()} chats followed`, samples.map(({ connections }) => connections))}
      ${tile('Sends a second', 'sends', rate(last?.sendsPerSecond), `${messagesSent.toLocaleString()} since the start`, samples.map(({ sendsPerSecond }) => sendsPerSecond))}
      ${tile('Deliveries a second', 'deliveries', rate(last?.deliveriesPerSecond), `${deliveries.toLocaleString()} since the start`, samples.map(({ deliveriesPerSecond }) => deliveriesPerSecond))}
      ${tile('Lag', 'lag', milliseconds(last?.meanLagMs), `99 of 100 within ${milliseconds(last?.p99LagMs)}; ${gapsRepaired.toLocaleString()} gaps repaired`, samples.map(({ meanLagMs }) => meanLagMs ?? 0))}
    </div>`
}

const rate = (value: number | undefined): string => value === undefined ? '–' : value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 })

function milliseconds (value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  return value === Infinity ? 'more than 10 s' : `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 })} ms`
}

/** Newest at the right; its highest point is the top. */
function Line ({ values }: { values: number[] }): VNode {
  const highest = Math.max(...values, 1e-9)
  const points = values.map((value, index) => `${WIDTH - (values.length - 1 - index) * (WIDTH / 59)},${HEIGHT - 2 - value / highest * (HEIGHT - 4)}`)
  return html`<svg class="spark" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">${points.length > 1 && html`<polyline points=${points.join(' ')} />`}</svg>`
}
