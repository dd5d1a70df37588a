import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { when } from '../kit/format.ts'
import { html } from '../kit/html.ts'
import type { AdminReport, Api, Reports as ReportList, Resolution } from './api.ts'

const ACTIONS: [Resolution, string][] = [['DISMISSED', 'Dismiss'], ['MESSAGE_DELETED', 'Delete the message'], ['USER_BANNED', 'Ban the sender']]

/** What people have reported and nobody has dealt with, oldest first. @param open how many there are: when it changes they are read again */
export function Reports ({ api, open }: { api: Api, open: number }): VNode {
  const [list, setList] = useState<ReportList>({ data: [], users: {} })
  const [trouble, setTrouble] = useState('')
  const load = (): void => { api.openReports().then(setList, (error: Error) => setTrouble(error.message)) }
  useEffect(load, [api, open])

  const resolve = (report: AdminReport, resolution: Resolution): void => {
    api.resolve(report.id, resolution).then(() => setTrouble(''), (error: Error) => setTrouble(error.message)).finally(load)
  }
  const name = (userId: string): string => list.users[userId]?.displayName ?? userId
  return html`
    <section class="card wide" aria-labelledby="reports">
      <h2 id="reports">Reports <span class=${`pill ${open === 0 ? 'well' : 'unwell'}`} data-open-reports=${open}>${open} open</span></h2>
      ${trouble && html`<p class="refused" role="alert">${trouble}</p>`}
      ${list.data.length === 0 && html`<p class="note">Nothing is waiting.</p>`}
      <ul class="reports">
        ${list.data.map(report => html`
          <li key=${report.id}>
            <p><strong>${name(report.senderId)}</strong> <span class="quiet">reported by ${name(report.reporterId)}, ${when(report.createdAt)}</span></p>
            <blockquote>${report.message?.content ?? 'A message without text'}</blockquote>
            <p>“${report.reason}”</p>
            <div class="report-actions" role="group" aria-label=${`The report on ${name(report.senderId)}`}>
              ${ACTIONS.map(([resolution, label]) => html`<button type="button" class="button small plain" onClick=${() => resolve(report, resolution)}>${label}</button>`)}
            </div>
          </li>`)}
      </ul>
    </section>`
}
