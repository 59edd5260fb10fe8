// Two hosts that find each other with nothing but datagrams: `answer` stays and answers each question of its network,
// `ask` asks once and says how long it took until it was answered, from its first line and from the first socket call.
import { createSocket } from 'node:dgram'

const group = '235.5.5.11'
const [role, address, port] = process.argv.slice(2)
const startedAt = performance.now()
const socket = createSocket({ type: 'udp4', reuseAddr: true })

if (role === 'answer') {
  socket.on('message', (question, from) => socket.send(question, from.port, from.address))
  socket.bind(Number(port), () => {
    socket.addMembership(group, address)
    console.log(JSON.stringify({ answering: true }))
  })
} else {
  socket.on('message', () => {
    console.log(JSON.stringify({ answered: performance.now() - startedAt }))
    socket.close()
  })
  socket.bind(0, address, () => {
    socket.setMulticastInterface(address)
    socket.send('hello', Number(port), group)
  })
}
