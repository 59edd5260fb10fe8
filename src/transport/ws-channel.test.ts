import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { channelContract, readFrames } from '../../test/contracts/channel.ts'
import { delay, friendId, openPair, openSecurePair, openTransport, until } from '../../test/transport/open.ts'
import { exchange, frame, opcodes, openRaw, requestText, upgradeHeaders } from '../../test/transport/raw.ts'
import { limits as standard } from '../base/limits.ts'

channelContract('WebSocket', () => openPair())
channelContract('WebSocket inside TLS', () => openSecurePair())

const unlimited = { perSecond: Infinity, burst: Infinity }
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(1)

describe('the handshake', () => {
  const offers = {
    ...upgradeHeaders,
    'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
    'Sec-WebSocket-Protocol': 'p2p, chat',
  }

  test('W3: neither compression nor a subprotocol is ever agreed on', async () => {
    await using server = await openTransport()
    const answer = await exchange(server.here, requestText(server.here, '/ws', offers), { withinMs: 300 })
    assert.equal(answer.status, 101)
    assert.doesNotMatch(answer.head, /extensions|protocol:/i)
  })

  test('W3 twin: ws with its own defaults for a server agrees on the same offer', async () => {
    const open = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true })
    await new Promise((resolve) => open.once('listening', resolve))
    const here = { address: '127.0.0.1', port: (open.address() as AddressInfo).port }
    const answer = await exchange(here, requestText(here, '/ws', offers), { withinMs: 300 })
    open.close()
    assert.match(answer.head, /permessage-deflate/)
    assert.match(answer.head, /Sec-WebSocket-Protocol: p2p/)
  })

  test('W3: a compressed frame ends the session', async () => {
    await using server = await openTransport()
    const { raw, channel } = await openRaw(server)
    const frames = readFrames(channel)
    raw.socket.write(frame(opcodes.binary, bytes(3), { reserved: 0x40 }))
    assert.equal((await channel.closed).code, 1002)
    assert.deepEqual(await frames, [])
  })

  test('W4: frames that came before the 101 are not looked at', async () => {
    await using server = await openTransport()
    const early = Buffer.concat([
      Buffer.from(requestText(server.here, '/ws', upgradeHeaders)),
      frame(opcodes.binary, bytes(3)),
    ])
    assert.equal((await exchange(server.here, early)).status, 400)
    assert.deepEqual(server.accepted, [])
  })

  test('a client that insists on a subprotocol cannot connect, one without can', async () => {
    await using server = await openTransport()
    const url = `ws://127.0.0.1:${server.port}/ws`
    const insisting = new WebSocket(url, 'p2p', { headers: { PeerID: friendId } })
    await new Promise((resolve) => insisting.once('error', resolve))
    const plain = new WebSocket(url, { headers: { PeerID: friendId } })
    await new Promise((resolve) => plain.once('open', resolve))
    assert.equal(plain.extensions, '')
    plain.terminate()
  })
})

describe('keep-alive', { concurrency: true }, () => {
  const quick = { keepAliveMs: 300, pongMs: 300, sweepMs: 50 }

  test('a peer that is silent is asked, and one that does not answer is given up', async () => {
    const { keepAliveMs, pongMs, sweepMs } = standard
    assert.ok(keepAliveMs + pongMs + 3 * sweepMs < 25_000, 'a dead peer is found within 25 s')
    await using server = await openTransport({ limits: quick })
    const { raw, channel } = await openRaw(server)
    void readFrames(channel)
    assert.deepEqual(await channel.closed, { code: 1006, reason: '' })
    assert.equal((raw.received()[0] ?? 0) & 0x0f, opcodes.ping)
  })

  test('a peer that answers lives on, and so does one that talks', async () => {
    await using pair = await openPair({ limits: quick })
    void readFrames(pair.dialler)
    void readFrames(pair.accepter)
    assert.equal(await Promise.race([pair.dialler.closed, pair.accepter.closed, delay(1_500)]), undefined)
  })

  test("W12: the reference's ping is answered at once", async () => {
    await using server = await openTransport()
    const { raw, channel } = await openRaw(server)
    void readFrames(channel)
    const started = performance.now()
    raw.socket.write(frame(opcodes.ping, bytes(4)))
    await until(() => raw.received().length >= 6)
    assert.ok(performance.now() - started < 250)
    assert.deepEqual([...raw.received()], [0x8a, 4, 1, 1, 1, 1])
    raw.socket.destroy()
  })

  test('a peer that is not read is not given up for its silence', async () => {
    await using server = await openTransport({ limits: quick })
    const { raw, channel } = await openRaw(server)
    assert.equal(await Promise.race([channel.closed, delay(1_500)]), undefined)
    raw.socket.destroy()
  })
})

describe('closing', { concurrency: true }, () => {
  test('a peer that does not answer the close is given up after 2 s, with our code', async () => {
    await using server = await openTransport()
    const { raw, channel } = await openRaw(server)
    void readFrames(channel)
    const started = performance.now()
    await channel.close(1000, 'manual close')
    const tookMs = performance.now() - started
    assert.ok(tookMs > 1_500 && tookMs < 3_500, `${tookMs} ms`)
    assert.deepEqual(await channel.closed, { code: 1000, reason: 'manual close' })
    assert.equal(raw.closeCode(), 1000)
  })

  test('a reason that is too long is cut between characters', async () => {
    await using pair = await openPair()
    void readFrames(pair.accepter)
    await pair.dialler.close(1000, 'ü'.repeat(100))
    assert.equal((await pair.accepter.closed).reason, 'ü'.repeat(61))
  })

  test('a connection that is lost ends the channel with 1006', async () => {
    await using server = await openTransport()
    const { raw, channel } = await openRaw(server)
    void readFrames(channel)
    raw.socket.resetAndDestroy()
    assert.deepEqual(await channel.closed, { code: 1006, reason: '' })
  })

  test('frames that were sent in the tick of the close leave before it', async () => {
    await using pair = await openPair()
    const frames = readFrames(pair.accepter)
    for (let i = 0; i < 10; i++) pair.dialler.send(Uint8Array.of(i))
    await pair.dialler.close(1000, '')
    assert.deepEqual((await frames).flat(), [...Array(10).keys()])
  })
})

describe('back-pressure', () => {
  test('a reader that does not come stops the network, whatever the peer sends', async () => {
    await using server = await openTransport({ messageRate: unlimited })
    const { raw } = await openRaw(server)
    const piece = Buffer.concat(Array.from({ length: 100 }, () => frame(opcodes.binary, bytes(10_000))))
    let written = 0
    for (let i = 0; i < 60; i++) {
      raw.socket.write(piece)
      written += piece.length
    }
    await delay(300)
    assert.ok(raw.socket.writableLength > 0 && written > 50_000_000, 'the rest waits with the peer')
    raw.socket.destroy()
  })

  test('a slow reader gets everything, and never more than the limit waits for it', async () => {
    await using server = await openTransport({ messageRate: unlimited })
    const { raw, channel } = await openRaw(server)
    const total = 20_000
    for (let i = 0; i < total; i++) raw.socket.write(frame(opcodes.binary, bytes(20)))
    let count = 0
    let largest = 0
    for await (const batch of channel) {
      count += batch.length
      largest = Math.max(largest, batch.length)
      if (count >= total) break
      await delay(2)
    }
    assert.equal(count, total)
    // One read more than the limit may have been under way.
    assert.ok(largest < standard.receivedFrames + 65_536 / 26 + 1, `${largest} frames`)
    raw.socket.destroy()
  })

  test('frames of one tick share a write, and one alone leaves at once', async () => {
    await using pair = await openPair()
    const batches: number[] = []
    const reading = (async () => {
      for await (const batch of pair.accepter) batches.push(batch.length)
    })()
    pair.dialler.send(bytes(10))
    await until(() => batches.length > 0)
    for (let i = 0; i < 500; i++) pair.dialler.send(bytes(10))
    await pair.dialler.close(1000, '')
    await reading
    assert.equal(
      batches.reduce((sum, length) => sum + length, 0),
      501,
    )
    assert.ok(batches.length <= 6, `${batches.length} batches`)
  })
})
