import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['src/generated/**', '.data/**', '.tap/**'] }),
  // A schema and its type share one name; a name that is really declared twice is TypeScript's to find.
  { files: ['**/*.ts'], rules: { '@typescript-eslint/no-redeclare': 'off' } },
]
