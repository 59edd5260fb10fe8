/** What a listener on the network learns: of talk between our peers nothing but what announcements say. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { PeerSchema } from '../../src/protocol/generated/p2p_pb.ts'
import { captureUnavailable, openCapture, type Recording, type Stream } from './capture.ts'
import { labUnavailable, openLab } from './lab.ts'
import { allMeet, openPeer, verifyEachOther, type PeerProcess } from './peer.ts'
import { openReference } from './reference.ts'

const skip = labUnavailable() || captureUnavailable()
const port = 8001

describe('a listener on the network', { skip, concurrency: 2 }, () => {
  test('hears of a whole day between two of our peers what they announce, and not one byte of the rest', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using capture = await openCapture(lab)
    await using one = await openPeer({ host: lab.host(0), args: ['--name', 'first'] })
    await using two = await openPeer({ host: lab.host(1), args: ['--name', 'second'] })
    const secrets = await liveADay(one, two)
    const recording = await capture.stop()

    for (const secret of secrets) {
      assert.equal(recording.count(secret), 0, `"${secret}" is in the capture`)
      assert.equal(recording.countMasked(secret), 0, `"${secret}" is in the capture, masked`)
    }
    for (const text of ['PeerID', 'peerid', 'P2P-Version', 'GET /', 'HTTP/1', 'websocket', one.id, two.id])
      assert.equal(recording.count(text), 0, `"${text}" is in the capture`)
    assertAllIsTls(recording)
    assertAnnouncementsSayOnly(recording, [one, two])
  })

  test('twin: with the reference the same words are there to be read, from either side', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using capture = await openCapture(lab)
    await using reference = await openReference(lab.host(0))
    await using ours = await openPeer({ host: lab.host(1) })
    await Promise.all([ours.found(reference.id), reference.found(ours.id)])
    const [said, answered] = [canary('said'), canary('answered')]
    await ours.command(`connect ${reference.id}`)
    const { id } = await reference.session(ours.id)
    await ours.command(said)
    await reference.message('message:arrived', said)
    await reference.command(`send ${id} ${answered}`)
    await ours.received(answered)
    const recording = await capture.stop()

    assert.equal(recording.count(answered), 1)
    assert.equal(recording.count(said), 0, 'a client masks its frames')
    assert.equal(recording.countMasked(said), 1)
    for (const text of ['PeerID', 'GET /ws', ours.id]) assert.ok(recording.count(text) > 0, text)
    assert.throws(() => assertAllIsTls(recording))
  })
})

const canary = (what: string): string => `canary-${what}-${randomBytes(8).toString('hex')}`

/** Everything two people do. @returns what nobody else may read */
async function liveADay(one: PeerProcess, two: PeerProcess): Promise<readonly string[]> {
  const [said, answered, trusted, alias] = ['said', 'answered', 'trusted', 'alias'].map(canary) as [
    string,
    string,
    string,
    string,
  ]
  await allMeet([one, two])
  await one.command(`alias ${two.id} ${alias}`)
  await one.command(`connect ${two.id}`)
  await one.command(said)
  await two.received(said)
  const session = await two.session(one.id)
  await two.command(`attach ${session.id}`)
  await two.command(answered)
  await one.received(answered)
  await Promise.all([one.command('/quit'), two.command('/quit')])
  const code = await verifyEachOther(one, two)
  await one.command(`load-peers ${two.id}`)
  await Promise.all([one.command('policy trusted'), two.command('policy trusted')])
  await one.command(`connect ${two.id}`)
  await one.command(trusted)
  await two.received(trusted)
  // Whoever hears a goodbye asks /ping.
  await two.attempt('exit')
  await one.lost(two.id)
  return [said, answered, trusted, alias, code, code.replace(' ', '')]
}

/** Every byte of every connection stands in a TLS record, and after the two hellos every record is encrypted. */
function assertAllIsTls(recording: Recording): void {
  const streams = recording.streams(port).filter(({ bytes }) => bytes.length > 0)
  assert.ok(streams.length >= 2, `${streams.length} streams`)
  for (const stream of streams) {
    const types = recordTypes(stream)
    const handshakes = types.filter((type) => type === 22)
    assert.equal(types[0], 22, 'does not begin with a handshake')
    assert.equal(handshakes.length, 1, `${handshakes.length} handshake messages in clear`)
  }
}

/** The content types of a stream of TLS records (RFC 8446, 5.1). The last may be cut off. */
function recordTypes({ bytes, from, fromPort }: Stream): readonly number[] {
  const types: number[] = []
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    const type = bytes[at]!
    assert.ok([20, 22, 23].includes(type), `a record of type ${type} from ${from}:${fromPort}`)
    assert.equal(bytes[at + 1], 3, 'no TLS record')
    types.push(type)
  }
  return types
}

/** What is public, as docs/protocol.md lists it: ID, port, key, instance, capabilities, name, and three flags. */
function assertAnnouncementsSayOnly(recording: Recording, peers: readonly PeerProcess[]): void {
  const datagrams = recording.datagrams(port)
  assert.ok(datagrams.length >= 4, `${datagrams.length} datagrams`)
  const ids = new Set<string>()
  for (const datagram of datagrams) {
    const {
      $typeName: _,
      $unknown,
      ID,
      port: at,
      files,
      IP,
      isPublicIp,
      upgrade,
    } = fromBinary(PeerSchema, datagram)
    ids.add(Buffer.from(ID!.value).toString('hex'))
    assert.deepEqual([at, files, IP, isPublicIp, $unknown], [port, {}, '<nil>', false, undefined])
    assert.deepEqual(
      Object.keys(upgrade!)
        .filter((key) => !key.startsWith('$'))
        .sort(),
      ['capabilities', 'instance', 'leaving', 'name', 'protocol', 'publicKey', 'wantsAnswer'],
    )
    assert.ok(['first', 'second'].includes(upgrade!.name), upgrade!.name)
    assert.equal(upgrade!.$unknown, undefined)
  }
  assert.deepEqual([...ids].sort(), peers.map(({ id }) => id.replaceAll('-', '')).sort())
}
