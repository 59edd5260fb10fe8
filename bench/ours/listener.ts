/** A node that counts the announcements that went through its peer table. */
import { multicast, startNode, type ExplorerFactory } from '../../src/index.ts'
import { countingHandler } from '../arrivals.ts'
import { freeUdpPort } from '../ports.ts'
import { serve } from '../worker.ts'

const port = await freeUdpPort()
let handled = 0

/** Multicast as always, with a counter behind the node's own part: what is counted has been handled. */
const counted: ExplorerFactory = (context) =>
  multicast({ interfaceName: 'lo', port })({
    ...context,
    report(sighting) {
      const taken = context.report(sighting)
      handled++
      return taken
    },
  })

await startNode({ port: 0, explorers: [counted] })
serve(countingHandler({ port, heard: () => handled }))
