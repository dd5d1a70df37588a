import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { nameOf, PEOPLE, type Person } from '../../demo/people.ts'
import { html } from '../kit/html.ts'

const PAIR: Person[] = ['alice', 'bob']

/** Two people in one window, each in a frame of their own; where it is narrow one at a time. */
export function SideBySide (): VNode {
  const [shown, setShown] = useState<Person>('alice')
  return html`
    <div class="pair">
      <header class="pair-header">
        <h1>Parley</h1>
        <p class="pair-hint">Two people, one server. Write as one, watch the other.</p>
        <div class="pair-switch" role="group" aria-label="Who is shown">
          ${PAIR.map(person => html`<button type="button" aria-pressed=${shown === person} onClick=${() => setShown(person)}>${nameOf(person)}</button>`)}
        </div>
        <nav class="pair-more" aria-label="More">
          <span>Open a third:</span>
          ${PEOPLE.filter(person => !PAIR.includes(person)).map(person => html`<a href=${`/?as=${person}`} target="_blank" rel="noopener">${nameOf(person)}</a>`)}
          <a class="apart" href="/docs">API</a>
          <a href="/admin">Operator</a>
        </nav>
      </header>
      <main class="pair-frames" aria-label="Two people">
        ${PAIR.map(person => html`<iframe class=${shown === person ? 'shown' : ''} src=${`/?as=${person}`} title=${`${nameOf(person)}’s Parley`} allow="microphone"></iframe>`)}
      </main>
    </div>`
}
