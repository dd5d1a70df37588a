// `/admin`: what an operator looks at.
import { h, render } from 'preact'
import { Admin } from './admin.ts'

const root = document.querySelector('#root')
if (!root) throw new Error('There is no place for the page')
render(h(Admin, {}), root)
