import { setFlagsFromString } from 'node:v8'

/**
 * V8 lets the space for new objects grow to 48 MiB, and never gives that back: half of what p2p may need at all. Kept at 2 MiB it is
 * cleared more often, which costs up to a twentieth of the CPU where many small files come. For a program, not for a library: the whole
 * process is meant.
 */
export function keepYoungSpaceSmall(): void {
  // Looked at whenever it would grow, so it can be said at any time.
  setFlagsFromString('--semi-space-growth-factor=1')
}

/**
 * For a screen, which makes new objects by the thousand for each key: in 2 MiB, a third of its time went into clearing them. It grows again as
 * V8 itself would let it.
 */
export function letYoungSpaceGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
}
