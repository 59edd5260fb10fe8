/** Two nodes, two pages: what people do with them (issue "one node, every face"). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { buildPage } from '../../scripts/build-page.ts'
import { until } from '../app/nodes.ts'
import { write } from '../app/sharing-nodes.ts'
import { drop, openStage, skip } from './pages.ts'

before(() => buildPage())

/** How long a busy machine may take for one step. */
const timeout = 30_000

test(
  'two people meet, verify, talk, and send a file by dropping it',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
    const [at, there] = [await stage.visit(desk), await stage.visit(kitchen)]
    for (const page of [at, there]) page.setDefaultTimeout(timeout)

    await at.locator('.person-row', { hasText: '"kitchen"' }).click()
    await at.locator('.tabs a', { hasText: 'About' }).click()
    assert.match(await at.locator('.person-head').innerText(), /encrypted, not verified/)
    await at.getByRole('button', { name: 'Compare a short code' }).click()
    const code = await at.locator('.code').innerText()
    assert.match(code, /^\d{4} \d{4}$/)
    assert.equal(await there.locator('.code').innerText(), code)
    await at.getByRole('button', { name: 'Yes, the same' }).click()
    await there.getByRole('button', { name: 'Yes, the same' }).click()
    await at.locator('.person-head .protection.verified').waitFor()
    assert.equal(desk.node.node.trust.find(kitchen.node.node.id)?.trust, 'verified')

    await at.locator('.tabs a', { hasText: 'Messages' }).click()
    await at.getByLabel(/^Message to/).fill('lunch?')
    await at.keyboard.press('Enter')
    await there.locator('.person-row', { hasText: 'lunch?' }).click()
    await there.locator('.message.theirs', { hasText: 'lunch?' }).waitFor()
    await at.locator('.message.ours .state.read').waitFor()
    await there.getByLabel(/^Message to/).pressSequentially('soup')
    await at.locator('.person-row', { hasText: 'typing …' }).waitFor()

    await drop(at, '.talk', [{ name: 'menu.txt', text: 'soup' }])
    await there.getByRole('button', { name: 'Accept menu.txt' }).click()
    await at.locator('.offer-card', { hasText: 'received, verified' }).waitFor()
    assert.equal(readFileSync(join(kitchen.node.down, 'menu.txt'), 'utf8'), 'soup')

    await at.locator('.tabs a', { hasText: 'About' }).click()
    await at.getByRole('textbox', { name: 'Your name for this peer' }).fill('Cook')
    await at.getByRole('button', { name: 'Save' }).click()
    await at.locator('.person-row', { hasText: 'Cook' }).waitFor()
    assert.equal(await at.locator('.person-row .who').innerText(), 'Cook')

    assert.deepEqual(stage.complaints, [])
    // No request leaves the machine (C5), and each goes to the node that the page is of.
    assert.deepEqual(
      stage.asked.filter(
        (url) => !/^(?:http|ws):\/\/127\.0\.0\.1:\d+\//.test(url) && !url.startsWith('blob:'),
      ),
      [],
    )
  },
)

test(
  'one looks into a folder, takes a file, and goes on after the node was started again',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
    await write(kitchen.node.shared, { 'plans/a.txt': 'a', 'plans/b.bin': Buffer.alloc(12_000_000, 5) })
    await kitchen.node.node.files.share(kitchen.node.shared, { as: 'house' })
    await until(() => kitchen.node.node.files.shares().every((one) => one.unhashedFiles === 0), 'hashed')
    const page = await stage.visit(desk)
    page.setDefaultTimeout(timeout)

    await page.locator('.person-row', { hasText: '"kitchen"' }).click()
    await page.locator('.tabs a', { hasText: 'Files' }).click()
    await page.getByRole('button', { name: /^house\// }).click()
    await page.getByRole('button', { name: /^plans\// }).click()
    await page.getByRole('button', { name: 'Take a.txt' }).click()
    await until(() => desk.node.node.files.transfers()[0]?.state === 'done', 'taken', timeout)
    assert.equal(readFileSync(join(desk.node.down, 'a.txt'), 'utf8'), 'a')

    // So slow that it is under way when the node ends.
    await desk.node.node.files.setLimits({ download: 2_000_000 })
    await page.getByRole('button', { name: 'Take b.bin' }).click()
    await page.locator('.rail a', { hasText: 'Files' }).click()
    const card = page.locator('.transfer', { hasText: 'b.bin' })
    await card.getByRole('button', { name: 'Pause' }).click()
    await card.locator('.standing', { hasText: 'paused' }).waitFor()

    const again = await stage.again(desk, 'desk')
    await page.locator('.gate .why', { hasText: 'started again' }).waitFor()
    await page.getByLabel('Code').fill((await again.control.pageWay()).code)
    await page.getByRole('button', { name: 'Enter' }).click()
    await card.getByRole('button', { name: 'Go on' }).click()
    await card.locator('.standing', { hasText: 'done' }).waitFor()
    assert.equal(readFileSync(join(desk.node.down, 'b.bin')).length, 12_000_000)
    assert.deepEqual(stage.complaints, [])
  },
)
