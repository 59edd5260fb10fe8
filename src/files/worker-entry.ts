import { getAsset, isSea } from 'node:sea'

/** What a thread runs: a file, or a text. */
export type WorkerEntry = URL | { readonly text: string }

/** It lies beside this file, here and in what scripts/build.ts makes of it; in the executable, it is inside. */
export const ownEntry: WorkerEntry = isSea()
  ? { text: getAsset('boot.cjs', 'utf8') }
  : new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './file-worker.js', import.meta.url)
