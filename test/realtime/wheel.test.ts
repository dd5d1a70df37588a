import t from 'tap'
import { Wheel } from '../../src/realtime/wheel.ts'

t.test('each is looked at when it is due, and when it has said', async t => {
  const wheel = new Wheel<string>(100, 1_000)
  const looked: string[] = []
  const turns = (count: number) => { for (let n = 0; n < count; n++) { looked.push('|'); wheel.turn(item => { looked.push(item); return item === 'often' ? 200 : 5_000 }) } }
  wheel.put('often', 0)
  wheel.put('once', 250)
  turns(5)
  t.strictSame(looked, ['|', 'often', '|', '|', 'once', 'often', '|', '|', 'often'])
  looked.length = 0
  turns(10)
  t.equal(looked.filter(item => item === 'once').length, 1, 'what is due beyond the reach is looked at before, and put further')
  wheel.put('once', 0)
  looked.length = 0
  turns(1)
  t.ok(looked.includes('once'), 'put elsewhere, it is due there')
  t.strictSame(wheel.items.sort(), ['often', 'once'])
})

t.test('who goes, or is put elsewhere, while looked at', async t => {
  const wheel = new Wheel<string>(100, 1_000)
  const looked: string[] = []
  for (const item of ['a', 'b', 'c']) wheel.put(item, 0)
  wheel.turn(item => {
    looked.push(item)
    if (item === 'a') wheel.remove('a')
    if (item === 'b') wheel.put('b', 300)
    return 0
  })
  t.strictSame(looked, ['a', 'b', 'c'])
  t.notOk(wheel.has('a'))
  t.strictSame(wheel.items.toSorted(), ['b', 'c'])
  looked.length = 0
  for (let n = 0; n < 3; n++) wheel.turn(item => { looked.push(item); return 1_000 })
  t.strictSame(looked, ['c', 'b'])
})

t.end()
