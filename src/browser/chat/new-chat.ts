import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { nameOf, PEOPLE, type Person } from '../../demo/people.ts'
import { Dialog } from '../kit/dialog.ts'
import { html } from '../kit/html.ts'
import { Avatar, presenceOf } from './avatar.ts'
import { useTry } from './notices.ts'
import { goTo } from './route.ts'
import { useChat } from './session.ts'

/** One person: a direct chat. A name and some people: a group. */
export function NewChat ({ userId, onClose }: { userId: Person, onClose: () => void }): VNode {
  const chat = useChat()
  const attempt = useTry()
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<string[]>([])
  const others = PEOPLE.filter(person => person !== userId)

  const open = (made: Promise<{ chat: { id: string } }>): void => attempt(made.then(view => {
    onClose()
    goTo(view.chat.id)
  }))
  const onSubmit = (event: Event): void => {
    event.preventDefault()
    open(chat.createGroup(name.trim(), chosen))
  }

  return html`
    <${Dialog} title="New chat" onClose=${onClose}>
      <h3>Write to one person</h3>
      <ul class="people">
        ${others.map(person => html`
          <li><button type="button" class="person" onClick=${() => open(chat.createDirect(person))}>
            <${Avatar} id=${person} name=${nameOf(person)} status=${presenceOf(chat, person)} />${nameOf(person)}
          </button></li>`)}
      </ul>
      <form onSubmit=${onSubmit}>
        <h3>Or make a group</h3>
        <label class="field">Its name<input type="text" required maxlength="256" value=${name} onInput=${(event: Event) => setName((event.target as HTMLInputElement).value)} /></label>
        <fieldset class="choices">
          <legend>Who is in it</legend>
          ${others.map(person => html`
            <label><input type="checkbox" checked=${chosen.includes(person)} onChange=${() => setChosen(chosen.includes(person) ? chosen.filter(each => each !== person) : [...chosen, person])} />${nameOf(person)}</label>`)}
        </fieldset>
        <button type="submit" class="button" disabled=${name.trim() === '' || chosen.length === 0}>Make the group</button>
      </form>
    <//>`
}
