import type { VNode } from 'preact'
import { nameOf, PEOPLE, type Person } from '../../demo/people.ts'
import { html } from '../kit/html.ts'
import { Avatar, presenceOf } from './avatar.ts'
import { useTry } from './notices.ts'
import { goTo } from './route.ts'
import { useChat } from './session.ts'

/** What stands where a conversation would. */
export function Welcome ({ userId }: { userId: Person }): VNode {
  const chat = useChat()
  const attempt = useTry()
  return html`
    <main class="welcome" aria-label="No chat is open">
      <h2>Say hello</h2>
      <p>Choose a chat, or somebody to write to.</p>
      <ul class="people">
        ${PEOPLE.filter(person => person !== userId).map(person => html`
          <li><button type="button" class="person" onClick=${() => attempt(chat.createDirect(person).then(view => goTo(view.chat.id)))}>
            <${Avatar} id=${person} name=${nameOf(person)} status=${presenceOf(chat, person)} />${nameOf(person)}
          </button></li>`)}
      </ul>
    </main>`
}
