/** Commands on this machine that find each other over loopback, apart from everything else that runs on it. */
import { openPeer, type PeerOptions, type PeerProcess } from '../lab/peer.ts'

let pairs = 0

/** A config.yaml for a discovery port of its own; one text makes one network. */
export function loopbackConfig(): string {
  const port = 20_000 + ((process.pid * 7 + pairs++) % 30_000)
  return `explorer:
  period: 1s
  multicast:
    address: 235.5.5.11
    port: ${port}
    interface-name: lo
`
}

/** Two commands that know each other. */
export async function openPair(options: PeerOptions = {}): Promise<readonly [PeerProcess, PeerProcess]> {
  const config = loopbackConfig()
  const open = (name: string): Promise<PeerProcess> =>
    openPeer({
      config,
      stay: true,
      ...options,
      args: ['--port', '0', '--name', name, ...(options.args ?? [])],
    })
  const [desk, kitchen] = await Promise.all([open('desk'), open('kitchen')])
  await Promise.all([desk.found(kitchen.id), kitchen.found(desk.id)])
  return [desk, kitchen]
}

/** Ends the input of a command and waits for the end of it. @returns its exit status */
export async function finish(peer: PeerProcess): Promise<number | null> {
  peer.child.stdin.end()
  return await peer.ended
}
