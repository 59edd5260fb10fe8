import type { StoredShare, Viewer } from '../../store/share-store.ts'
import type { Visibility } from './types.ts'

/** Whether a share, or a part of an offer, is there for somebody. */
export function isVisibleTo({ visibleTo, peers }: StoredShare, { peerId, verified }: Viewer): boolean {
  if (visibleTo === 'named') return peers.includes(peerId)
  return visibleTo === 'all' || verified
}

/** How the index keeps a visibility. */
export function storedVisibility(visibleTo: Visibility): Pick<StoredShare, 'visibleTo' | 'peers'> {
  return typeof visibleTo === 'string' ? { visibleTo, peers: [] } : { visibleTo: 'named', peers: visibleTo }
}

/** How people are shown it. */
export function shownVisibility({ visibleTo, peers }: StoredShare): Visibility {
  return visibleTo === 'named' ? peers : visibleTo
}
