/** A reference that starts after us cannot hear our answers; still nobody has to wait for it. */
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
