/** A process that has a store of messages open, has shown one page of it, and does nothing. */
import { openMessageStore } from '../../src/store/message-store.ts'
import { serve } from '../worker.ts'

const store = await openMessageStore({ path: process.argv[2] })
store.history({ limit: 50 })
serve(() => {
  globalThis.gc?.()
  return process.memoryUsage.rss() / 2 ** 20
})
