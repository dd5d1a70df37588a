// `/` is two people side by side; `/?as=alice` is one of them.
import { h, render } from 'preact'
import { PEOPLE, type Person } from '../../demo/people.ts'
import { App } from './app.ts'
import { startChat } from './session.ts'
import { SideBySide } from './side-by-side.ts'

const root = document.querySelector('#root')
if (!root) throw new Error('There is no place for the page')
const person = new URLSearchParams(location.search).get('as')

if (PEOPLE.includes(person as Person)) {
  const chat = startChat(person as Person)
  addEventListener('pagehide', () => chat.stop())
  render(h(App, { chat, userId: person as Person }), root)
} else {
  render(h(SideBySide, {}), root)
}
