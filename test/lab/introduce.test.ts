/** Newcomers that no answer reaches in time: a reference, which cannot hear it, and who starts again and again. */
import { describe, test } from 'node:test'

import { configText } from './config.ts'
import { labUnavailable, openLab } from './lab.ts'
import { openPeer } from './peer.ts'
import { openReference } from './reference.ts'

const soon = { timeoutMs: 5_000 }

describe('a reference that comes second', { skip: labUnavailable(), concurrency: 2 }, () => {
  test('knows us long before our next announcement', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using ours = await openPeer({ host: lab.host(1), config: configText({ period: '1h' }) })
    // The announcements of our start are over.
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    await using reference = await openReference(lab.host(0))
    await ours.found(reference.id, soon)
    await reference.found(ours.id, soon)
  })

  test('is introduced to us when we connect to it before it has heard of us', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using ours = await openPeer({ host: lab.host(1), config: configText({ period: '1h' }) })
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    // It hears nothing that is sent to the group.
    lab.host(0).drop('ip daddr 235.5.5.11')
    await using reference = await openReference(lab.host(0))
    await ours.found(reference.id, soon)
    await ours.command(`connect ${reference.id}`)
    await ours.command('hello, newcomer')
    await reference.message('message:arrived', 'hello, newcomer')
  })
})

describe('a host where one program after the other runs', { skip: labUnavailable() }, () => {
  test('knows the others each time, though answers to one host are 5 s apart', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using steady = await openPeer({ host: lab.host(0), config: configText({ period: '1h' }) })
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    for (let run = 0; run < 4; run++) {
      await using brief = await openPeer({ host: lab.host(1) })
      await brief.found(steady.id, { timeoutMs: 3_500 })
    }
  })

  test('gets the answer that waits for it, when it asks for one after such a start', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using steady = await openPeer({ host: lab.host(0), config: configText({ period: '1h' }) })
    for (let run = 0; run < 2; run++) {
      await using brief = await openPeer({ host: lab.host(1) })
      await brief.found(steady.id, { timeoutMs: 5_500 })
    }
    await using asking = await openPeer({ host: lab.host(1) })
    await asking.command(`emit ${lab.host(0).address}:8001`, { timeoutMs: 8_000 })
  })
})
