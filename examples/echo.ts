/** Answers every message with the same text. Run two of them, or talk to it with the command `p2p`. */
import { multicast, startNode } from 'p2p'

await using node = await startNode({ name: 'echo', port: 0, explorers: [multicast()] })
console.log(`I am ${node.id} on port ${node.info.port}. Ctrl-C ends.`)

node.on('peer:found', ({ peer }) => {
  console.log(
    `found ${JSON.stringify(peer.name)} at ${peer.address}:${peer.port}, protection: ${peer.protection}`,
  )
})

node.on('message:received', ({ message }) => {
  console.log(`${message.peerId} says ${JSON.stringify(message.text)}`)
  node.conversation(message.peerId).send(message.text).catch(console.error)
})

const stopped = new AbortController()
process.once('SIGINT', () => stopped.abort())
for await (const event of node.events({ signal: stopped.signal })) {
  if (event.type === 'session:closed') console.log(`a session ended: ${event.code}`)
}
