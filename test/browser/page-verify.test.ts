/** Two nodes, two pages: how two people make sure of each other by QR code and by safety number. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { buildPage } from '../../scripts/build-page.ts'
import { goTo, openStage, skip, type Paged } from './pages.ts'

before(() => buildPage())

/** How long a busy machine may take for one step. */
const timeout = 30_000

test(
  'one shows a QR code, the other enters its text, and both are verified',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
    const [at, there] = [await stage.visit(desk), await stage.visit(kitchen)]
    for (const page of [at, there]) page.setDefaultTimeout(timeout)
    await at.locator('.person-row', { hasText: '"kitchen"' }).waitFor()
    await there.locator('.person-row', { hasText: '"desk"' }).waitFor()

    for (const page of [at, there]) await goTo(page, 'you')
    await at.getByRole('button', { name: 'Show a QR code' }).click()
    await at.getByRole('img', { name: /^QR code/ }).waitFor()
    const text = await at.locator('.invitation-text').innerText()
    assert.match(text, /^p2p:v1:/)

    const field = there.getByRole('textbox', { name: /from the code of somebody else$/ })
    // A text with a mistake verifies nobody, and asks nobody.
    await field.fill(text.slice(0, -1))
    await there.getByRole('button', { name: 'Verify', exact: true }).click()
    await there.locator('.notice.alarm', { hasText: 'or one with a mistake' }).waitFor()
    assert.notEqual(trustIn(kitchen, desk), 'verified')

    await field.fill(text)
    await there.getByRole('button', { name: 'Verify', exact: true }).click()
    const question = at.locator('.verification', { hasText: 'has just scanned your QR code' })
    assert.match(await question.innerText(), /"kitchen"/)
    // Whoever was scanned has not yet said who it was.
    assert.notEqual(trustIn(desk, kitchen), 'verified')
    await question.getByRole('button', { name: 'Yes, the same' }).click()
    await there.locator('.notice', { hasText: 'Verified: the code has its key.' }).waitFor()

    for (const [page, other] of [
      [at, '"kitchen"'],
      [there, '"desk"'],
    ] as const) {
      await goTo(page, 'people')
      await page.locator('.person-row', { hasText: other }).click()
      await page.locator('.person-head .protection.verified').waitFor()
    }
    assert.deepEqual([trustIn(desk, kitchen), trustIn(kitchen, desk)], ['verified', 'verified'])
    assert.deepEqual(stage.complaints, [])
  },
)

test(
  'the safety number of one page, typed into the other, verifies; another number does not',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
    const [at, there] = [await stage.visit(desk), await stage.visit(kitchen)]
    for (const [page, other] of [
      [at, '"kitchen"'],
      [there, '"desk"'],
    ] as const) {
      page.setDefaultTimeout(timeout)
      await page.locator('.person-row', { hasText: other }).click()
      await page.locator('.tabs a', { hasText: 'About' }).click()
    }

    for (const page of [at, there]) await page.getByText('Safety number, to compare by telephone').click()
    const read = (await there.locator('.safety .digits span').allInnerTexts()).join(' ')
    assert.match(read.replaceAll(' ', ''), /^\d{60}$/)

    const field = at.getByRole('textbox', { name: /^The 60 digits/ })
    const compare = at.getByRole('button', { name: 'Compare', exact: true })
    await field.fill(`${read.slice(0, -1)}${(Number(read.at(-1)) + 1) % 10}`)
    await compare.click()
    await at.locator('.notice.alarm', { hasText: 'These are not the digits' }).waitFor()
    assert.notEqual(trustIn(desk, kitchen), 'verified')

    await field.fill(read)
    await compare.click()
    await at.locator('.person-head .protection.verified').waitFor()
    assert.equal(trustIn(desk, kitchen), 'verified')
    // Each compares for himself.
    assert.notEqual(trustIn(kitchen, desk), 'verified')
    assert.deepEqual(stage.complaints, [])
  },
)

/** Clicks every "Yes" of a verification in the very moment it appears, as a click that was meant for what stood there. */
const strayClicks = `
  globalThis.strayClicks = []
  new MutationObserver(() => {
    for (const yes of document.querySelectorAll('.answers .strong:not([data-seen])')) {
      yes.dataset.seen = ''
      strayClicks.push(yes.disabled)
      yes.click()
    }
  }).observe(document, { childList: true, subtree: true })`

test(
  'a verification that has just appeared takes no click; twin: a moment later the same click is the answer',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
    const page = await stage.visit(desk)
    page.setDefaultTimeout(timeout)
    await page.locator('.person-row', { hasText: '"kitchen"' }).waitFor()
    await page.evaluate(strayClicks)
    const asked = kitchen.node.node.trust.verify(desk.node.node.id)
    asked.catch(() => {})
    await page.locator('.answers .strong:enabled').waitFor()
    assert.deepEqual(await page.evaluate('strayClicks'), [true])
    await page.evaluate(`document.querySelector('.answers .strong').click()`)
    await page.getByText('Waiting for the answer of the other person.').waitFor()
    assert.deepEqual(stage.complaints, [])
  },
)

function trustIn(one: Paged, other: Paged): string | undefined {
  return one.node.node.trust.find(other.node.node.id)?.trust
}
