import htm from 'htm'
import { Component, h, type ComponentType, type VNode } from 'preact'

/** As the module is: its types say that of another one. */
interface Htm { bind: (make: typeof h) => (strings: TemplateStringsArray, ...values: unknown[]) => VNode }

/** Templates: what stands in `${}` becomes text or an attribute, never markup. */
export const html = (htm as unknown as Htm).bind(h)

/** Drawn again only when one of its properties is another (`!==`). */
export function memo<Props extends object> (draw: (props: Props) => VNode): ComponentType<Props> {
  return class extends Component<Props> {
    override shouldComponentUpdate (next: Props): boolean {
      const names = new Set([...Object.keys(next), ...Object.keys(this.props)]) as Set<keyof Props>
      return [...names].some(name => next[name] !== (this.props as Props)[name])
    }

    override render (): VNode {
      return draw(this.props as Props)
    }
  }
}
