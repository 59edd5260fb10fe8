import type { NodeEvent } from '../index.ts'

export type EventOf<Type extends NodeEvent['type']> = Extract<NodeEvent, { type: Type }>

/** What is made of each type of event, from what is known before; types that are not there mean nothing here. */
export type ByType<Known, Result> = {
  readonly [Type in NodeEvent['type']]?: (event: EventOf<Type>, known: Known) => Result
}

/** What the table makes of an event; undefined when it has nothing for it. */
export function made<Known, Result>(
  table: ByType<Known, Result>,
  event: NodeEvent,
  known: Known,
): Result | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table has at each type what takes that type
  const make = table[event.type] as ((event: NodeEvent, known: Known) => Result) | undefined
  return make?.(event, known)
}
