/** C7: what others call themselves, say and share is shown as text; and pictures are what their bytes are. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { buildPage } from '../../scripts/build-page.ts'
import { until } from '../app/nodes.ts'
import { write } from '../app/sharing-nodes.ts'
import { goTo, openStage, skip } from './pages.ts'

before(() => buildPage())

const timeout = 30_000
const attacks = [
  '<img src=x onerror="globalThis.pwned=1">',
  '"><svg/onload="globalThis.pwned=1">',
  'javascript:globalThis.pwned=1',
  '<script>globalThis.pwned=1</script>',
  '\u202Egnp.exe \u2066x\u2069 \u200B',
  `a${'\u0301'.repeat(10_000)}`,
] as const

/** What stands on the page that we have not put there, and whether anything ran. */
async function harm(page: Page): Promise<object> {
  return await page.evaluate<object>(`({
    ran: 'pwned' in globalThis,
    foreign: [...document.querySelectorAll(
      'script, iframe, object, embed, [onerror], [onload], img:not([src="/icon.svg"])'
    )].filter((one) => one.getAttribute('src') !== '/app.js').length,
    links: [...document.querySelectorAll('a')].filter((one) => !one.getAttribute('href')?.startsWith('#')).length,
    turned: /[\\u200B\\u202E\\u2066]/.test(document.body.innerText),
    marks: /\\p{M}{6}/u.test(document.body.innerText),
  })`)
}

const none = { ran: false, foreign: 0, links: 0, turned: false, marks: false }

test(
  'C7: hostile names, messages and files do nothing on the page',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const desk = await stage.open('desk')
    const [first] = attacks
    const evil = await stage.open(first)
    await write(evil.node.shared, {
      'html.png': '<!doctype html><script>globalThis.pwned=1</script>',
      'svg.png': '<svg xmlns="http://www.w3.org/2000/svg" onload="globalThis.pwned=1"/>',
      '<img src=x onerror=globalThis.pwned=1>.txt': 'x',
      'javascript:globalThis.pwned=1': 'x',
    })
    await evil.node.node.files.share(evil.node.shared, { as: '<svg onload=globalThis.pwned=1>' })
    const deskId = desk.node.node.id
    for (const text of attacks) await evil.node.node.conversation(deskId).send(text)
    await until(
      () => desk.node.node.conversations.list()[0]?.unread === attacks.length,
      'all arrive',
      timeout,
    )
    await until(() => evil.node.node.files.shares().every((one) => one.unhashedFiles === 0), 'hashed')

    const page = await stage.visit(desk)
    page.setDefaultTimeout(timeout)
    await page.locator('.person-row').click()
    await page
      .locator('.message')
      .nth(attacks.length - 1)
      .waitFor()
    assert.deepEqual(await harm(page), none)
    const [shown = ''] = await page.locator('.message .text').allInnerTexts()
    assert.equal(shown, first)

    await page.locator('.tabs a', { hasText: 'Files' }).click()
    await page.locator('.open-row').click()
    await page
      .getByRole('button', { name: /^svg\.png/ })
      .first()
      .waitFor()
    assert.deepEqual(await harm(page), none)
    await page
      .getByRole('button', { name: /^svg\.png/ })
      .first()
      .click()
    await page.locator('.dialog', { hasText: 'no picture that can be shown safely' }).waitFor()
    await page.keyboard.press('Escape')
    for (const view of ['network', 'transfers', 'you', 'people']) {
      await goTo(page, view)
      assert.deepEqual(await harm(page), none, view)
    }
    assert.deepEqual(stage.complaints, [])
  },
)

test('C7 twin: the same texts as HTML, without our headers, do run', { skip, timeout: 60_000 }, async (t) => {
  const { browser } = await openStage(t)
  const page = await browser.newPage()
  await page.setContent('<body></body>')
  await page.evaluate(`for (const text of ${JSON.stringify(attacks)}) {
    document.body.insertAdjacentHTML('beforeend', '<p>' + text + '</p>')
  }`)
  await page.waitForFunction(`'pwned' in globalThis`)
  assert.notDeepEqual(await harm(page), none)
})
