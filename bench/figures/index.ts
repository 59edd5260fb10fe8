/** The figures, in the order in which they are taken. */
import type { Figure } from '../figure.ts'
import { announcements, burst } from './announcements.ts'
import { codecs } from './codecs.ts'
import { daemonIdle, daemonList } from './daemon.ts'
import { datagrams } from './datagrams.ts'
import { acknowledged, catchUp, durableMessages } from './delivery.ts'
import { discovery } from './discovery.ts'
import { fetchFile, fetchFolder, hashShare, resume, talkDuringFetch } from './files.ts'
import { idleSessions, referenceIdleSessions } from './idle-sessions.ts'
import { meeting } from './meeting.ts'
import { messages, referenceMessages } from './messages.ts'
import { newSessions } from './new-sessions.ts'
import { resident, residentHistory } from './resident.ts'
import { page, pageSize } from './page.ts'
import { referenceRoundTrip, roundTrip, roundTripRested, roundTripShared } from './round-trips.ts'
import { rubbish } from './rubbish.ts'
import { start } from './start.ts'
import { storeAdd, storeHistory } from './store.ts'
import { swarm } from './swarm.ts'
import { terminalKeys } from './terminal.ts'

export const figures: readonly Figure[] = [
  discovery,
  meeting,
  messages,
  referenceMessages,
  roundTrip,
  roundTripShared,
  roundTripRested,
  referenceRoundTrip,
  newSessions,
  rubbish,
  idleSessions,
  referenceIdleSessions,
  announcements,
  burst,
  datagrams,
  codecs,
  start,
  resident,
  daemonList,
  daemonIdle,
  pageSize,
  page,
  durableMessages,
  acknowledged,
  catchUp,
  storeAdd,
  storeHistory,
  residentHistory,
  fetchFile,
  fetchFolder,
  resume,
  talkDuringFetch,
  hashShare,
  swarm,
  terminalKeys,
]
