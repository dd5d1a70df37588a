/** What was typed is not what the command takes: the exit code is 2, not 1. */
export class UsageError extends Error {}
