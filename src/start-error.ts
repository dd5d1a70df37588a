/**
 * Something that keeps Parley from starting and that a person can mend. The message is one line, names the setting,
 * and is all that is shown: a stack trace would only hide it.
 */
export class StartError extends Error {
  override name = 'StartError'
}
