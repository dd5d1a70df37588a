import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { html } from './html.ts'
import { Icon, type IconName } from './icons.ts'

/** `glyph`: drawn alone, in a row with the others; its label is for those who do not see it. */
export interface MenuItem { label: string, icon?: IconName, glyph?: string, isDanger?: boolean, onPick: () => void }

/** A button that opens a list of commands: arrow keys go through it, Escape and a look elsewhere close it. */
export function Menu ({ label, icon, items }: { label: string, icon: IconName, items: MenuItem[] }): VNode {
  const [open, setOpen] = useState<'up' | 'down' | null>(null)
  const root = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const buttons = (): HTMLButtonElement[] => [...root.current?.querySelectorAll<HTMLButtonElement>('[role=menuitem]') ?? []]

  useEffect(() => { if (open) buttons()[0]?.focus() }, [open])

  const toggle = (): void => {
    const { top } = button.current?.getBoundingClientRect() ?? { top: 0 }
    setOpen(open ? null : top > window.innerHeight / 2 ? 'up' : 'down')
  }
  const close = (): void => {
    setOpen(null)
    button.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!open) return
    const all = buttons()
    const at = all.indexOf(document.activeElement as HTMLButtonElement)
    if (event.key === 'Escape') close()
    else if (event.key === 'ArrowDown' || event.key === 'ArrowRight') all[(at + 1) % all.length]?.focus()
    else if (event.key === 'ArrowUp' || event.key === 'ArrowLeft') all.at(at - 1)?.focus()
    else if (event.key === 'Home') all[0]?.focus()
    else if (event.key === 'End') all.at(-1)?.focus()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const onFocusOut = (event: FocusEvent): void => {
    if (!root.current?.contains(event.relatedTarget as Node | null)) setOpen(null)
  }
  const pick = (item: MenuItem): void => {
    close()
    item.onPick()
  }

  return html`
    <div class="menu" ref=${root} onKeyDown=${onKeyDown} onFocusOut=${onFocusOut}>
      <button type="button" class="icon-button" ref=${button} aria-label=${label} title=${label} aria-haspopup="menu" aria-expanded=${open !== null} onClick=${toggle}>
        <${Icon} name=${icon} />
      </button>
      ${open && html`
        <div class=${`menu-list ${open} ${items[0]?.glyph ? 'row' : ''}`} role="menu" aria-label=${label}>
          ${items.map(item => html`
            <button type="button" role="menuitem" tabindex="-1" class=${item.isDanger ? 'danger' : ''} aria-label=${item.label} onClick=${() => pick(item)}>
              ${item.glyph ?? html`${item.icon && html`<${Icon} name=${item.icon} />`}${item.label}`}
            </button>`)}
        </div>`}
    </div>`
}
