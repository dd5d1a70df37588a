import t from 'tap'
import { Gathered } from '../../src/gathered.ts'

t.test('what comes while a batch is under way is the next one', async t => {
  const batches: { items: string[], end: (error?: Error) => void }[] = []
  const gathered = new Gathered<string, string>(items => new Promise((resolve, reject) => {
    batches.push({ items, end: error => error ? reject(error) : resolve(new Map(items.filter(item => item !== 'nobody').map(item => [item, `${item}!`]))) })
  }), 3)
  const first = gathered.do('a')
  t.strictSame(batches.map(({ items }) => items), [['a']], 'at once, where nothing is under way')
  const next = ['a', 'b', 'b', 'nobody', 'c'].map(item => gathered.do(item))
  batches[0]!.end()
  t.equal(await first, 'a!')
  t.strictSame(batches[1]!.items, ['a', 'b', 'nobody'], 'each once, and not too many')
  batches[1]!.end()
  t.strictSame(await Promise.all(next.slice(0, 4)), ['a!', 'b!', 'b!', undefined])
  const failing = gathered.do('d')
  t.strictSame(batches[2]!.items, ['c'])
  batches[2]!.end(new Error('the connection is lost'))
  await t.rejects(next[4]!, { message: 'the connection is lost' })
  while (batches.length < 4) await new Promise(setImmediate)
  batches[3]!.end()
  t.equal(await failing, 'd!', 'and nobody after')
})

t.end()
