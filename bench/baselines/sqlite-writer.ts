/** SQLite alone, in a process of its own. */
import { serve } from '../worker.ts'
import { BareStore } from './bare-store.ts'

export interface WriteRequest {
  /** A file that there is not yet. */
  readonly path: string
  readonly messages: number
  /** Rows of one transaction. */
  readonly batch: number
}

/** @returns the seconds it took */
function write({ path, messages, batch }: WriteRequest): number {
  using store = new BareStore(path)
  const startedAt = performance.now()
  for (let stored = 0; stored < messages; stored += batch) store.add(Math.min(batch, messages - stored))
  return (performance.now() - startedAt) / 1000
}

serve(write)
