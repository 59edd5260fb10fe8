/** The figures, in the order in which they are taken. */
import type { Figure } from '../figure.ts'
import { announcements, burst } from './announcements.ts'
import { codecs } from './codecs.ts'
import { datagrams } from './datagrams.ts'
import { discovery } from './discovery.ts'
import { idleSessions } from './idle-sessions.ts'
import { messages, roundTrip, roundTripShared, roundTripRested } from './messages.ts'
import { resident } from './resident.ts'
import { start } from './start.ts'

export const figures: readonly Figure[] = [
  discovery,
  messages,
  roundTrip,
  roundTripShared,
  roundTripRested,
  idleSessions,
  announcements,
  burst,
  datagrams,
  codecs,
  start,
  resident,
]
