/** The command `p2p`. */
import { quick } from './quick.ts'

const args = process.argv.slice(2)
// Everything else is loaded only for what needs it.
if (!(await quick(args))) await (await import('./program.ts')).main(args)
