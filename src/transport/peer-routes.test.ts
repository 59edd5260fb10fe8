import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { announcement, friendId, peerId, selfId, strangerId } from '../../test/transport/open.ts'
import { parseFileId } from '../protocol/file-id.ts'
import { peerIdFromDigest } from '../protocol/peer-id.ts'
import { decodePeerList } from '../protocol/peer-list.ts'
import { routeRequest, type PeerRequest, type Route, type RouteContext } from './peer-routes.ts'
import type { Caller } from './transport.ts'

const context: RouteContext = {
  selfId,
  publicIp: undefined,
  permits: () => true,
  isKnown: (id) => id !== strangerId,
  peersFor: () => [announcement(5)],
  admitsSession: () => true,
  admitsPairing: () => true,
  isStopping: () => false,
}

/** An ID that is cut from a key. */
const ourId = peerIdFromDigest(new Uint8Array(32).fill(9))
const key = 'AAECAwQFBgcICQoLDA0ODw=='
const host = ['Host', '192.0.2.7:8001']
const friend = ['PeerID', friendId]
const handshake = ['Upgrade', 'websocket', 'Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', key]

const inPlain = { localAddress: '192.0.2.7', remoteAddress: '192.0.2.8', proved: undefined }

function get(target: string, rawHeaders: readonly string[] = [...host, ...friend]): PeerRequest {
  return { ...inPlain, method: 'GET', target, rawHeaders, upgrade: false, early: false }
}

function dial(rawHeaders: readonly string[] = [...host, ...friend, ...handshake]): PeerRequest {
  return { ...get('/ws', rawHeaders), upgrade: true }
}

function route(request: PeerRequest, changed: Partial<RouteContext> = {}): Route {
  return routeRequest(request, { ...context, ...changed })
}

function statusOf(request: PeerRequest, changed: Partial<RouteContext> = {}): number {
  const result = route(request, changed)
  return result.kind === 'answer' ? result.answer.status : 101
}

/** Status of a refusal that leaves the connection open; 0 when it is none. */
function refusedWith(request: PeerRequest): number {
  const result = route(request)
  return result.kind === 'files' && result.asked.kind === 'refused' ? result.asked.status : 0
}

function bodyOf(result: Route): string | Uint8Array {
  return result.kind === 'answer' ? (result.answer.body ?? '') : ''
}

describe('what the peer port answers', () => {
  test('/ping answers ok to anybody', () => {
    const answer = route(get('/ping', host))
    assert.deepEqual(answer, { kind: 'answer', answer: { status: 200, body: 'ok' } })
  })

  test('/peers answers a known peer with the list for it', () => {
    const askers: string[] = []
    const answer = route(get('/peers'), {
      peersFor: (asker) => {
        askers.push(asker)
        return [announcement(5), announcement(6)]
      },
    })
    const ids = decodePeerList(bodyOf(answer) as Uint8Array)?.map(({ id }) => id)
    assert.deepEqual(ids, [peerId(5), peerId(6)])
    assert.deepEqual(askers, [friendId])
  })

  test('/ws opens a session with a known peer', () => {
    assert.deepEqual(route(dial()), { kind: 'session', peerId: friendId, proof: undefined })
  })

  test('while stopping everything gets 503 and the reason', () => {
    for (const request of [get('/ping'), get('/peers'), get('/nothing'), dial(), get('/ping', [])]) {
      const answer = route(request, { isStopping: () => true })
      assert.deepEqual(answer, { kind: 'answer', answer: { status: 503, body: 'server is stopping' } })
    }
  })

  test('a known peer that does not ask /ws for a WebSocket gets 426', () => {
    assert.equal(statusOf(get('/ws')), 426)
  })

  test('W11: a peer with enough sessions is refused one more', () => {
    assert.equal(statusOf(dial(), { admitsSession: () => false }), 403)
  })
})

describe('requests that are refused', () => {
  test('H3: more headers than allowed get 431', () => {
    const many = Array.from({ length: 101 }, (_, index) => [`X-${index}`, 'x']).flat()
    assert.equal(statusOf(get('/ping', [...host, ...many])), 431)
    assert.equal(statusOf(get('/ping', [...host, ...many.slice(0, 2 * 99)])), 200)
  })

  test('H4: a body of any kind gets 400', () => {
    assert.equal(statusOf(get('/ping', [...host, 'Content-Length', '1000000000'])), 400)
    assert.equal(statusOf(get('/ping', [...host, 'transfer-encoding', 'chunked'])), 400)
    assert.equal(statusOf(get('/ping', [...host, 'Content-Length', '0'])), 200)
  })

  test('H5: other methods get 405, other spellings of a path 404', () => {
    for (const method of ['POST', 'HEAD', 'PUT', 'DELETE', 'TRACE', 'PATCH']) {
      assert.equal(statusOf({ ...get('/ping'), method }), 405, method)
    }
    const paths = ['/', '//peers', '/%70eers', '/peers/../ws', '/peers/', '/PEERS', '/peers?', '*', '']
    for (const target of [...paths, 'http://192.0.2.7:8001/peers'])
      assert.equal(statusOf(get(target)), 404, target)
  })

  test('H6: a Host that is not our address gets 421, and so do none and two', () => {
    const foreign = [
      'evil.example:8001',
      'localhost:8001',
      'localhost',
      '192.0.2.8',
      '192.0.2.7.evil.example',
      '',
    ]
    for (const value of [
      ...foreign,
      '192.0.2.7:8001:1',
      '[192.0.2.7',
      '192.0.2.7 ',
      '0xC0000207',
      '3221225991',
    ]) {
      for (const target of ['/ping', '/peers', '/ws']) {
        assert.equal(statusOf(get(target, ['Host', value, ...friend])), 421, value)
      }
    }
    assert.equal(statusOf(get('/ping', [])), 421)
    assert.equal(statusOf(get('/ping', [...host, ...host])), 421)
  })

  test('H6 twin: the same request with our address as Host gives the list away', () => {
    assert.equal(statusOf(get('/peers', ['Host', '192.0.2.7', ...friend])), 200)
    assert.equal(statusOf(get('/peers', ['host', '192.0.2.7:9', ...friend])), 200)
    // The check is what stands between: with the name as our configured address, rebinding succeeds.
    const rebound = get('/peers', ['Host', '203.0.113.9:8001', ...friend])
    assert.equal(statusOf(rebound), 421)
    assert.equal(statusOf(rebound, { publicIp: '203.0.113.9' }), 200)
  })

  test('H6: an IPv6 address of ours is ours in brackets only', () => {
    const own = { localAddress: 'fd00::7' }
    assert.equal(statusOf({ ...get('/ping', ['Host', '[FD00::7]:8001']), ...own }), 200)
    assert.equal(statusOf({ ...get('/ping', ['Host', 'fd00::7']), ...own }), 421)
  })

  const browserHeaders: readonly (readonly [string, string])[] = [
    ['Origin', 'http://x'],
    ['Origin', 'null'],
    ['origin', ''],
    ['ORIGIN', 'http://192.0.2.7:8001'],
    ['Sec-Fetch-Site', 'none'],
    ['sec-fetch-mode', 'no-cors'],
    ['Sec-Fetch-Anything', 'x'],
  ]

  test('H7, W3: whatever a browser adds gets 403, and no answer allows a foreign page anything', () => {
    for (const [name, value] of browserHeaders) {
      for (const request of [get('/ping', host), get('/peers'), dial()]) {
        const answer = route({ ...request, rawHeaders: [...request.rawHeaders, name, value] })
        assert.deepEqual(answer, { kind: 'answer', answer: { status: 403 } }, name)
      }
    }
    assert.equal(statusOf({ ...get('/peers'), method: 'OPTIONS' }), 403)
  })

  test('H7, W3 twin: the same requests without what a browser adds are served', () => {
    assert.equal(statusOf(get('/ping', host)), 200)
    assert.equal(statusOf(get('/peers')), 200)
    assert.equal(statusOf(dial()), 101)
  })

  const refusedIds: readonly string[] = [
    '',
    'x',
    `{${friendId}}`,
    `urn:uuid:${friendId}`,
    `${friendId}, ${friendId}`,
    'a'.repeat(8_192),
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    selfId,
    strangerId,
  ]

  test('H8, W1: who is not a known peer gets 403 with an empty body', () => {
    const asks = [
      ...refusedIds.map((id) => ['PeerID', id]),
      [],
      [...friend, ...friend],
      [...friend, 'peerid', strangerId],
    ]
    for (const headers of asks) {
      for (const request of [
        get('/peers', [...host, ...headers]),
        dial([...host, ...headers, ...handshake]),
      ]) {
        assert.deepEqual(route(request), { kind: 'answer', answer: { status: 403 } }, headers.join(' '))
      }
    }
  })

  test('H8: the ID may be written in upper case and without dashes', () => {
    for (const id of [friendId.toUpperCase(), friendId.replaceAll('-', '')]) {
      assert.deepEqual(route(dial([...host, 'peerid', id, ...handshake])), {
        kind: 'session',
        peerId: friendId,
        proof: undefined,
      })
    }
  })

  test('W1 twin: the same stranger is served as soon as it is known', () => {
    const request = dial([...host, 'PeerID', strangerId, ...handshake])
    assert.equal(statusOf(request), 403)
    assert.equal(statusOf(request, { isKnown: () => true }), 101)
  })

  test('H10: the list carries ID, port, files and address only, within 3,800 bytes', () => {
    const named = {
      ...announcement(7),
      upgrade: {
        protocol: 1,
        key: undefined,
        instance: 9n,
        capabilities: 0,
        name: 'kitchen',
        leaving: false,
        wantsAnswer: false,
      },
    }
    const body = bodyOf(route(get('/peers'), { peersFor: () => Array.from({ length: 500 }, () => named) }))
    assert.ok(body instanceof Uint8Array && body.length <= 3_800)
    assert.equal(Buffer.from(body).includes('kitchen'), false)
    assert.ok(decodePeerList(body)?.every(({ upgrade }) => upgrade === undefined))
  })

  test('W4: a handshake that is not of version 13, or has no good key, gets 426', () => {
    const wrong: readonly (readonly string[])[] = [
      ['Upgrade', 'websocket', 'Sec-WebSocket-Version', '12', 'Sec-WebSocket-Key', key],
      ['Upgrade', 'websocket', 'Sec-WebSocket-Version', '8', 'Sec-WebSocket-Key', key],
      ['Upgrade', 'websocket', 'Sec-WebSocket-Version', '13'],
      ['Upgrade', 'websocket', 'Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', 'AAECAwQFBgcICQoLDA0O'],
      [
        'Upgrade',
        'websocket',
        'Sec-WebSocket-Version',
        '13',
        'Sec-WebSocket-Key',
        key,
        'Sec-WebSocket-Key',
        key,
      ],
      ['Upgrade', 'h2c', 'Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', key],
    ]
    for (const headers of wrong)
      assert.equal(statusOf(dial([...host, ...friend, ...headers])), 426, headers.join(' '))
  })

  test('W4: frames that came before our 101 get 400', () => {
    assert.equal(statusOf({ ...dial(), early: true }), 400)
  })

  test('any request gets an answer with a status, or a session with a known peer', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('/ping', '/peers', '/ws', 'GET', 'Host', 'PeerID', friendId),
    )
    fc.assert(
      fc.property(text, text, fc.array(text), (method, target, rawHeaders) => {
        const request = { ...inPlain, method, target, rawHeaders, upgrade: true, early: false }
        const result = route(request)
        assert.ok(result.kind !== 'files')
        assert.ok(result.kind === 'answer' ? result.answer.status >= 200 : result.peerId === friendId)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('inside TLS', () => {
  const proved = { id: ourId, key: new Uint8Array(32).fill(7) }
  const ours = ['PeerID', ourId, 'P2P-Version', '1']
  const proof = { key: proved.key, protocol: 1 }

  const ask = (
    target: string,
    rawHeaders: readonly string[] = [...host, ...ours, ...handshake],
  ): PeerRequest => ({
    ...get(target, rawHeaders),
    proved,
    upgrade: true,
  })

  test('who has proved a key need not be known: /peers, /ws and /pair are open to it', () => {
    const unknown = { isKnown: () => false }
    assert.equal(statusOf(ask('/peers'), unknown), 200)
    assert.deepEqual(route(ask('/ws'), unknown), { kind: 'session', peerId: ourId, proof })
    assert.deepEqual(route(ask('/pair'), unknown), { kind: 'pairing', peerId: ourId, proof })
  })

  test('T5: who claims another ID than the proved one gets 403, known or not', () => {
    for (const target of ['/peers', '/ws', '/pair']) {
      for (const claim of [
        ['PeerID', friendId],
        ['PeerID', selfId],
        [],
        ['PeerID', ourId, 'PeerID', ourId],
      ]) {
        const request = ask(target, [...host, ...claim, 'P2P-Version', '1', ...handshake])
        assert.equal(statusOf(request), 403, `${target} ${claim.join(' ')}`)
      }
    }
  })

  test('T5 twin: the claim alone, in plain, is believed of a known reference peer', () => {
    assert.equal(statusOf(dial()), 101)
  })

  test('H9: the ID of a peer of ours gets 403 in plain, whatever is known and permitted', () => {
    for (const target of ['/peers', '/ws']) assert.equal(statusOf({ ...ask(target), proved: undefined }), 403)
    assert.equal(statusOf({ ...ask('/ping'), proved: undefined }), 200)
  })

  test('H9 twin: with a reference ID the same requests are served', () => {
    const headers = [...host, ...friend, 'P2P-Version', '1', ...handshake]
    assert.equal(statusOf({ ...ask('/peers', headers), proved: undefined }), 200)
    assert.deepEqual(route({ ...ask('/ws', headers), proved: undefined }), {
      kind: 'session',
      peerId: friendId,
      proof: undefined,
    })
  })

  test('/pair does not exist in plain', () => {
    const headers = [...host, ...friend, 'P2P-Version', '1', ...handshake]
    assert.equal(statusOf({ ...ask('/pair', headers), proved: undefined }), 404)
  })

  test('what is not permitted gets 403, each path for its own purpose; /ping is always answered', () => {
    const purposes = { '/peers': 'peers', '/ws': 'chat', '/pair': 'pairing' } as const
    for (const [target, purpose] of Object.entries(purposes)) {
      assert.equal(statusOf(ask(target), { permits: (_, asked) => asked !== purpose }), 403, target)
      assert.notEqual(statusOf(ask(target), { permits: (_, asked) => asked === purpose }), 403, target)
    }
    assert.equal(statusOf(ask('/ping'), { permits: () => false }), 200)
  })

  test('who asks is told of with its key inside TLS, and without one in plain', () => {
    const callers: Caller[] = []
    const permits = (caller: Caller): boolean => callers.push(caller) > 0
    statusOf(ask('/ws'), { permits })
    statusOf(dial(), { permits })
    assert.deepEqual(callers, [proved, { id: friendId, key: undefined }])
  })

  describe('files', () => {
    const id = parseFileId(`sha256-tree:${'0a'.repeat(32)}`)
    const caller = proved
    const head = [...host, ...ours]
    const range = ['Range', 'bytes=5-9']
    const targets = ['/files?path=', '/files?find=x', `/trees/${id}`, `/availability/${id}`, `/content/${id}`]
    const pack = (changes: readonly string[] = ['Content-Length', '64']): PeerRequest => ({
      ...ask('/pack', [...head, ...changes]),
      method: 'POST',
    })

    test('each request is what it asks for, of the one who has proved who it is', () => {
      assert.deepEqual(route(ask(`/content/${id}`, [...head, ...range])), {
        kind: 'files',
        caller,
        asked: { kind: 'content', id, start: 5, end: 10 },
      })
      assert.deepEqual(route(pack()), { kind: 'files', caller, asked: { kind: 'body', bodyBytes: 64 } })
      for (const target of targets)
        assert.equal(route(ask(target, [...head, ...range])).kind, 'files', target)
    })

    test('what is written in another way gets 404, and other ranges than one 416 (F1, F4)', () => {
      for (const target of [
        '/files',
        '/files?',
        '/files?path=%61',
        '/trees/x',
        '/content/',
        '/content',
        '/pack/',
      ]) {
        assert.equal(refusedWith(ask(target, [...head, ...range])), 404, target)
      }
      assert.equal(refusedWith(ask(`/content/${id}`, head)), 416)
      assert.equal(refusedWith(ask(`/content/${id}`, [...head, ...range, ...range])), 416)
    })

    test('policy and trust, the ID and a version come first: 403, whatever is asked', () => {
      const purposes: string[] = []
      const permits: RouteContext['permits'] = (_, purpose) => purposes.push(purpose) < 0
      for (const target of [...targets, '/files', '/content/x']) {
        assert.equal(statusOf(ask(target, head), { permits }), 403, target)
        assert.equal(statusOf(ask(target, [...host, 'PeerID', friendId, 'P2P-Version', '1'])), 403, target)
        assert.equal(statusOf(ask(target, [...host, 'PeerID', ourId])), 403, target)
      }
      assert.equal(statusOf(pack(), { permits }), 403)
      assert.deepEqual(new Set(purposes), new Set(['files']))
    })

    test('in plain they do not exist', () => {
      for (const target of targets) {
        const headers = [...host, ...friend, 'P2P-Version', '1', ...range]
        assert.equal(statusOf({ ...ask(target, headers), proved: undefined }), 404, target)
      }
      assert.equal(statusOf({ ...pack(), proved: undefined }), 405)
    })
  })

  test('room is asked for last, and with the address of the caller', () => {
    const asked: string[] = []
    const admitsSession: RouteContext['admitsSession'] = (id, address) => asked.push(`${id} ${address}`) < 0
    const admitsPairing: RouteContext['admitsPairing'] = ({ id }) => asked.push(id) < 0
    for (const target of ['/ws', '/pair']) {
      statusOf({ ...ask(target), upgrade: false }, { admitsSession, admitsPairing })
      statusOf({ ...ask(target), early: true }, { admitsSession, admitsPairing })
      assert.deepEqual(asked, [], 'nothing is counted for who does not ask for a WebSocket')
    }
    for (const target of ['/ws', '/pair']) {
      assert.equal(statusOf(ask(target), { admitsSession, admitsPairing }), 403)
    }
    assert.deepEqual(asked, [`${ourId} 192.0.2.8`, ourId])
  })
})
