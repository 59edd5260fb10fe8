/**
 * Loads the screen, which takes a third of a second. React decides by the environment which of its two builds that is: the one for its own
 * developers is slower, and is meant for nobody who runs p2p. Commands that p2p starts later see the environment as it was.
 */
export async function loadTui(): Promise<typeof import('../tui/open-tui.ts')> {
  const { env } = process
  const before = env['NODE_ENV']
  env['NODE_ENV'] ??= 'production'
  try {
    return await import('../tui/open-tui.ts')
  } finally {
    if (before === undefined) delete env['NODE_ENV']
  }
}
