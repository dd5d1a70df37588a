import t from 'tap'
import { displayName } from '../../src/media/inspect/file-name.ts'

const PNG = 'image/png'

t.test('what is harmless stays', async t => {
  for (const name of ['photo.png', 'PHOTO.PNG', 'Übung macht – den Meister (2).png', '写真.png', 'كتاب.png', 'می‌خواهم.png', 'Family 👩‍👩‍👧.png', 'a.b.c.png']) t.equal(displayName(name, PNG), name.normalize('NFC'))
  t.equal(displayName('e\u0301te\u0301.png', PNG), 'été.png')
  t.equal(displayName('data.csv', 'text/plain'), 'data.csv')
})

t.test('what is not is defused', async t => {
  for (const [given, expected] of [
    [undefined, 'file.png'],
    ['', 'file.png'],
    ['...', 'file.png'],
    ['\u200d\u200c.png', 'file.png'],
    ['../../etc/passwd', 'passwd.png'],
    ['C:\\Users\\me\\photo.png', 'photo.png'],
    ['..\\..\\evil.png', 'evil.png'],
    ['/', 'file.png'],
    ['.htaccess', 'htaccess.png'],
    ['nul\0l.png', 'null.png'],
    ['line\r\nSet-Cookie: a=b.png', 'lineSet-Cookie_ a=b.png'],
    ['invoice\u202egnp.exe', 'invoicegnp.exe.png'],
    ['\u2066a\u2069\u200e\ufeffb.png', 'ab.png'],
    ['"><img src=x onerror=alert(1)>.png', '___img src=x onerror=alert(1)_.png'],
    ['CON', '_CON.png'],
    ['con.png', '_con.png'],
    ['Nul .txt.png', '_Nul .txt.png'],
    ['com1.tar.png', '_com1.tar.png'],
    ['LPT¹.png', '_LPT¹.png'],
    ['console.png', 'console.png'],
    ['photo.png. . .', 'photo.png'],
    ['photo.png   ', 'photo.png'],
    ['half a pair \ud83d.png', 'half a pair \ufffd.png'],
  ] as const) t.equal(displayName(given, PNG), expected, JSON.stringify(given))
})

t.test('the extension is one that the type has', async t => {
  t.equal(displayName('photo.jpg', PNG), 'photo.png')
  t.equal(displayName('photo.jpeg', 'image/jpeg'), 'photo.jpeg')
  t.equal(displayName('setup.exe', PNG), 'setup.exe.png')
  t.equal(displayName('page.html', 'text/plain'), 'page.html.txt')
  t.equal(displayName('run.js', 'text/plain'), 'run.js.txt')
  t.equal(displayName('Version 2.0', 'application/pdf'), 'Version 2.0.pdf')
  t.equal(displayName('voice.mp4', 'audio/mp4'), 'voice.mp4')
})

t.test('however long', async t => {
  for (const name of ['a'.repeat(10_000), '写'.repeat(10_000) + '.png', '👩‍👩‍👧'.repeat(5000), 'e' + '\u0301'.repeat(100_000), '/'.repeat(100_000), ' .'.repeat(50_000), `.${'x'.repeat(50_000)}`]) {
    const display = displayName(name, PNG)
    t.ok(Buffer.byteLength(display) <= 200 && display.endsWith('.png'), display)
    t.ok(display.isWellFormed())
  }
})
