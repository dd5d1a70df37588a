import type { VNode } from 'preact'
import { fileSize, when } from '../kit/format.ts'
import { html } from '../kit/html.ts'
import type { Overview } from './api.ts'

export function SlowReaders ({ overview: { slowReaders } }: { overview: Overview }): VNode {
  return html`
    <section class="card" aria-labelledby="slow">
      <h2 id="slow">Slow readers</h2>
      ${slowReaders.length === 0
        ? html`<p class="note">Everybody takes what they are sent.</p>`
        : html`
          <table>
            <thead><tr><th scope="col">User</th><th scope="col">Connection</th><th scope="col" class="number">Not taken yet</th></tr></thead>
            <tbody>${slowReaders.map(({ connectionId, userId, unsentBytes }) => html`<tr key=${connectionId}><td>${userId}</td><td class="quiet">${connectionId.slice(0, 8)}</td><td class="number">${fileSize(unsentBytes)}</td></tr>`)}</tbody>
          </table>`}
    </section>`
}

export function BiggestChats ({ overview: { biggestChats } }: { overview: Overview }): VNode {
  return html`
    <section class="card" aria-labelledby="biggest">
      <h2 id="biggest">Biggest chats</h2>
      <table>
        <thead><tr><th scope="col">Chat</th><th scope="col">Type</th><th scope="col" class="number">Messages</th><th scope="col" class="number">Members</th><th scope="col">Last</th></tr></thead>
        <tbody>${biggestChats.map(({ chatId, name, type, messageCount, memberCount, lastMessageAt }) => html`
          <tr key=${chatId}><td title=${chatId}>${name ?? html`<span class="quiet">${chatId.slice(0, 8)}…</span>`}</td><td class="quiet">${type.toLowerCase()}</td>
            <td class="number">${messageCount.toLocaleString()}</td><td class="number">${memberCount.toLocaleString()}</td><td>${lastMessageAt ? when(lastMessageAt) : '–'}</td></tr>`)}</tbody>
      </table>
    </section>`
}
