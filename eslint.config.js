import neostandard from 'neostandard'

export default neostandard({ ts: true, ignores: ['src/generated/**', '.data/**', '.tap/**'] })
