import type { StoredShare } from '../../store/share-store.ts'
import type { Visibility } from './types.ts'

/** How the index keeps a visibility. */
export function storedVisibility(visibleTo: Visibility): Pick<StoredShare, 'visibleTo' | 'peers'> {
  return typeof visibleTo === 'string' ? { visibleTo, peers: [] } : { visibleTo: 'named', peers: visibleTo }
}

/** How people are shown it. */
export function shownVisibility({ visibleTo, peers }: StoredShare): Visibility {
  return visibleTo === 'named' ? peers : visibleTo
}
