/** The page for everybody: with the keyboard alone, and for those who hear it (axe). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { buildPage } from '../../scripts/build-page.ts'
import { until } from '../app/nodes.ts'
import { write } from '../app/sharing-nodes.ts'
import { goTo, openStage, skip, type Paged, type Stage } from './pages.ts'

before(() => buildPage())

const timeout = 30_000
/** What a script says of what has the focus. */
const focusedName = `document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''`
const axe = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** What keeps somebody from using what is shown now. */
async function seriousOn(page: Page): Promise<readonly string[]> {
  // Our policy lets no foreign script into the page; the debugger of the browser may.
  await page.evaluate(axe)
  const violations = await page.evaluate<readonly Violation[]>(`axe.run().then((found) => found.violations)`)
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`,
    )
}

/** Two nodes with something of everything to be seen. */
async function furnish(stage: Stage): Promise<{ readonly desk: Paged; readonly kitchen: Paged }> {
  const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
  const [here, there] = [desk.node.node, kitchen.node.node]
  await write(kitchen.node.shared, { 'a.txt': 'a', 'b.txt': 'b' })
  await write(desk.node.shared, { 'mine.txt': 'm' })
  await there.files.share(kitchen.node.shared, { as: 'house' })
  await here.files.share(desk.node.shared, { as: 'desk' })
  await until(() => there.files.shares().every((one) => one.unhashedFiles === 0), 'hashed')
  await there.conversation(here.id).send('hello')
  await here.conversation(there.id).send('hello you')
  await there.files.send(here.id, [`${kitchen.node.shared}/a.txt`])
  await here.files.get(there.id, 'house/b.txt')
  await until(() => here.files.offers().length === 1, 'offered')
  return { desk, kitchen }
}

for (const colorScheme of ['light', 'dark'] as const)
  test(`axe finds nothing serious on any view, ${colorScheme}`, { skip, timeout: 240_000 }, async (t) => {
    const stage = await openStage(t)
    const { desk, kitchen } = await furnish(stage)
    const page = await stage.visit(desk, { colorScheme, reducedMotion: 'reduce' })
    page.setDefaultTimeout(timeout)
    const id = kitchen.node.node.id
    await kitchen.node.node.trust.verify(desk.node.node.id)
    await page.locator('.code').waitFor()
    for (const place of [
      'people',
      `person/${id}/talk`,
      `person/${id}/files/house`,
      `person/${id}/about`,
      'transfers',
      'network',
      'you',
    ]) {
      await goTo(page, place)
      assert.deepEqual(await seriousOn(page), [], place)
    }
    await page.keyboard.press('?')
    await page.locator('.dialog').waitFor()
    assert.deepEqual(await seriousOn(page), [], 'keys')
  })

test('everything can be reached and done with the keyboard alone', { skip, timeout: 180_000 }, async (t) => {
  const stage = await openStage(t)
  const { desk, kitchen } = await furnish(stage)
  const page = await stage.visit(desk)
  page.setDefaultTimeout(timeout)
  /** Presses Tab until what is focused has this name. */
  const tabTo = async (name: RegExp): Promise<void> => {
    const passed: string[] = []
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press('Tab')
      const focused = await page.evaluate<string>(focusedName)
      if (name.test(focused)) return
      passed.push(focused)
    }
    assert.fail(`Tab does not lead to ${name}, but to ${passed.join(' | ')}`)
  }
  await tabTo(/Search people/)
  await tabTo(/kitchen/)
  await page.keyboard.press('Enter')
  await page.locator('.composer').waitFor()
  await page.getByLabel(/^Message to/).waitFor()
  await tabTo(/^Accept a\.txt$/).catch(async () => {
    // The field of the message has the focus already: what is above it is reached backwards.
    for (let presses = 0; presses < 10; presses++) {
      await page.keyboard.press('Shift+Tab')
      const label = await page.evaluate<string>(focusedName)
      if (label === 'Accept a.txt') return
    }
    assert.fail('the offer cannot be reached')
  })
  await page.keyboard.press('Enter')
  await until(() => desk.node.node.files.offers()[0]?.state === 'received', 'accepted', timeout)

  await page.keyboard.press('Alt+Digit3')
  await page.locator('.at-network').waitFor()
  await page.keyboard.press('Alt+ArrowDown')
  await page.locator('.at-person').waitFor()
  const written = page.getByLabel(/^Message to/)
  await written.waitFor()
  await until(
    () => page.evaluate<boolean>(`document.activeElement?.matches('textarea') === true`),
    'the field is focused',
    timeout,
  )
  await page.keyboard.type('by hand')
  await page.keyboard.press('Enter')
  await until(
    () => kitchen.node.node.conversations.list()[0]?.lastMessage?.text === 'by hand',
    'it arrives',
    timeout,
  )
  assert.deepEqual(stage.complaints, [])
})
