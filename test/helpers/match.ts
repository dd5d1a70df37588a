import type { Test } from 'tap'

/** As many as wanted, and each as wanted. (`t.match` lets a longer list pass.) */
export function matchEach (t: Test, found: readonly unknown[], wanted: readonly unknown[], name = 'as many as wanted, and as wanted'): void {
  t.match({ length: found.length, each: found }, { length: wanted.length, each: wanted }, name)
}
