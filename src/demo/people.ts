/** Who is in the demonstration, and nobody else: it never signs a token for a user of the application. */
export const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'] as const
export type Person = typeof PEOPLE[number]

export const nameOf = (userId: string): string => userId.charAt(0).toUpperCase() + userId.slice(1)
