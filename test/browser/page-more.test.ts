/** What the page does beside talk: it calls who looks elsewhere, keeps to the speeds that are wished, and finds files of everybody. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { buildPage } from '../../scripts/build-page.ts'
import { limits } from '../../src/base/limits.ts'
import { until } from '../app/nodes.ts'
import { shareAll, treeOf, write } from '../app/sharing-nodes.ts'
import { drop, dropPaths, goTo, openStage, skip, type Paged, type Stage } from './pages.ts'

before(() => buildPage())

/** How long a busy machine may take for one step. */
const timeout = 30_000

/** Notes what is shown to our user, and still has the browser show it. */
const noteNotifications = `
  globalThis.called = []
  globalThis.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options)
      const { body, tag } = this
      called.push({ title, body, tag, options: Object.keys(options) })
      globalThis.clickLast = () => this.dispatchEvent(new Event('click'))
    }
  }`

interface Called {
  readonly title: string
  readonly body: string
  readonly tag: string
  readonly options: readonly string[]
}

/** Waits in the page; its own policy forbids the browser to read text as a program. */
async function comesTrue(page: Page, expression: string): Promise<void> {
  await until(async () => (await page.evaluate<unknown>(expression)) === true, expression, timeout)
}

/** Has our user look at another page of the same browser. @returns how to come back */
async function lookAway(page: Page): Promise<() => Promise<void>> {
  const context = page.context()
  // Without a word of ours every page believes that it is looked at.
  const session = await context.newCDPSession(page)
  await session.send('Emulation.setFocusEmulationEnabled', { enabled: false })
  const other = await context.newPage()
  await other.bringToFront()
  await comesTrue(page, '!document.hasFocus()')
  return async () => {
    await other.close()
    await page.bringToFront()
    await comesTrue(page, 'document.hasFocus()')
  }
}

/** The page of a node, in a browser that lets it call our user, or does not. */
async function visitNoting(stage: Stage, paged: Paged, permissions: readonly string[]): Promise<Page> {
  const page = await stage.visit(paged, { permissions: [...permissions] })
  page.setDefaultTimeout(timeout)
  await page.evaluate(noteNotifications)
  return page
}

function calledOn(page: Page): Promise<readonly Called[]> {
  return page.evaluate<readonly Called[]>('called')
}

const hostile = '<img src=x onerror="globalThis.pwned=1"> \u202Egnp.exe\u0007'

test(
  'who does not look at the page is called when something is said, and who looks at it is not',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
    const page = await visitNoting(stage, desk, ['notifications'])
    const toDesk = kitchen.node.node.conversation(desk.node.node.id)
    const row = page.locator('.person-row', { hasText: '"kitchen"' })

    await toDesk.send('you see this')
    await row.filter({ hasText: 'you see this' }).waitFor()
    assert.deepEqual(await calledOn(page), [])

    const comeBack = await lookAway(page)
    await toDesk.send(hostile)
    await comesTrue(page, 'called.length === 1')
    const [call] = await calledOn(page)
    assert.equal(call?.title, 'p2p')
    assert.match(call.body, /^"kitchen" [\da-f]{8} unverified: <img src=x onerror="globalThis.pwned=1"> /)
    // Text alone: nothing that the system would fetch or turn around.
    assert.match(call.body, /<U\+202E>gnp\.exe\u2407$/)
    assert.deepEqual(call.options, ['body', 'tag'])
    assert.equal(call.tag, `#person/${kitchen.node.node.id}/talk`)

    await page.evaluate('clickLast()')
    await page.locator('.message.theirs', { hasText: 'gnp.exe' }).waitFor()
    await goTo(page, 'people')

    await comeBack()
    await toDesk.send('you see this too')
    await row.filter({ hasText: 'you see this too' }).waitFor()
    assert.equal((await calledOn(page)).length, 1)
    assert.equal(await page.evaluate(`'pwned' in globalThis`), false)
    assert.deepEqual(stage.complaints, [])
  },
)

test('nobody is called who has not allowed it', { skip, timeout: 180_000 }, async (t) => {
  const stage = await openStage(t)
  const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
  const page = await visitNoting(stage, desk, [])
  await lookAway(page)
  await kitchen.node.node.conversation(desk.node.node.id).send('nobody hears this')
  await page.locator('.person-row', { hasText: 'nobody hears this' }).waitFor()
  assert.deepEqual(await calledOn(page), [])
  assert.deepEqual(stage.complaints, [])
})

test(
  'a speed that is set on the page holds in the node, and is there when the page is loaded again',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
    const page = await stage.visit(desk)
    page.setDefaultTimeout(timeout)
    await goTo(page, 'you')
    const coming = page.getByRole('spinbutton', { name: 'Coming' })
    assert.equal(await coming.inputValue(), '')

    // What happens meanwhile takes nothing away from who is still typing.
    await coming.pressSequentially('2.5')
    await kitchen.node.node.conversation(desk.node.node.id).send('lunch?')
    await comesTrue(page, `document.title === '(1) p2p'`)
    assert.equal(await coming.inputValue(), '2.5')
    await coming.press('Enter')
    await until(() => desk.node.node.files.limits.download === 2_500_000, 'the node has it', timeout)
    assert.equal(desk.node.node.files.limits.upload, Infinity)

    await page.reload()
    await page.locator('.frame.at-you').waitFor()
    assert.equal(await coming.inputValue(), '2.5')

    // An empty field is no limit again.
    await coming.fill('')
    await coming.press('Enter')
    await until(() => desk.node.node.files.limits.download === Infinity, 'no limit again', timeout)
    // What is no speed is refused, and the field says what holds.
    await coming.fill('-1')
    await coming.press('Enter')
    await page.locator('.notice.alarm').waitFor()
    assert.equal(desk.node.node.files.limits.download, Infinity)
    await comesTrue(page, `document.querySelector('.speeds input').value === ''`)
    assert.deepEqual(stage.complaints, [])
  },
)

test(
  'a search through the files of everybody finds what one of them has, and it is taken',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const [desk, kitchen, hall] = [
      await stage.open('desk'),
      await stage.open('kitchen'),
      await stage.open('hall'),
    ]
    await write(kitchen.node.shared, { 'plans/summer menu.txt': 'soup', 'plans/other.txt': 'x' })
    await write(hall.node.shared, { 'winter menu.txt': 'stew' })
    await shareAll(kitchen.node)
    await shareAll(hall.node, 'papers')
    const page = await stage.visit(desk)
    page.setDefaultTimeout(timeout)

    await page.locator('.rail a', { hasText: 'Files' }).click()
    const field = page.getByRole('searchbox', { name: 'Find files of everybody here by name' })
    await field.fill('menu')
    await page.getByText('2 found', { exact: true }).waitFor()
    const owner = page.locator('.file-row', { hasText: 'summer menu.txt' })
    assert.match(await owner.innerText(), /stuff\/plans\/summer menu\.txt[^]*from "kitchen"/)
    await page.getByRole('button', { name: 'Take papers/winter menu.txt' }).click()
    await until(() => desk.node.node.files.transfers()[0]?.state === 'done', 'taken', timeout)
    assert.equal(readFileSync(join(desk.node.down, 'winter menu.txt'), 'utf8'), 'stew')

    await field.fill('*.pdf')
    await page.getByText('Nobody here shares a file with such a name.').waitFor()
    await field.press('Escape')
    assert.equal(await page.locator('.finding .virtual').count(), 0)
    assert.deepEqual(stage.complaints, [])
  },
)

test(
  'F12: of many files that are dropped one by one none is declined because others wait, and all arrive',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
    const page = await stage.visit(desk)
    page.setDefaultTimeout(timeout)
    await page.locator('.person-row', { hasText: '"kitchen"' }).click()
    const names = Array.from({ length: limits.pendingOffersPerPeer + 2 }, (_, number) => `${number}.txt`)
    for (const name of names) await drop(page, '.talk', [{ name, text: name }])
    const waits = page.locator('.uploads li', { hasText: 'waits until others are answered' })
    await waits.nth(1).waitFor()
    const open = (): readonly string[] =>
      kitchen.node.node.files
        .offers()
        .filter(({ state }) => state === 'open')
        .map(({ id }) => id)
    await until(() => open().length === limits.pendingOffersPerPeer, 'as many as may wait', timeout)

    const arrived = (): boolean => names.every((name) => existsSync(join(kitchen.node.down, name)))
    await until(
      async () => {
        for (const id of open()) await kitchen.node.node.files.accept(id)
        return arrived()
      },
      'all arrive',
      timeout,
    )
    const states = desk.node.node.files.offers().map(({ state }) => state)
    assert.ok(!states.includes('declined'), states.join())
    assert.equal(states.length, names.length)
    await waits.first().waitFor({ state: 'detached' })
    assert.deepEqual(stage.complaints, [])
  },
)

test(
  'files that are dropped together are one offer, and so is a folder with all that is in it',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
    const [at, there] = [await stage.visit(desk), await stage.visit(kitchen)]
    for (const page of [at, there]) page.setDefaultTimeout(timeout)
    await at.locator('.person-row', { hasText: '"kitchen"' }).click()
    await there.locator('.person-row', { hasText: '"desk"' }).click()

    await drop(at, '.talk', [
      { name: 'menu.txt', text: 'soup' },
      { name: 'wine.txt', text: 'red' },
    ])
    await there.getByRole('button', { name: 'Accept menu.txt and 1 more' }).click()
    await at.locator('.offer-card', { hasText: 'received, verified' }).waitFor()
    const [files] = kitchen.node.node.files.offers()
    assert.deepEqual(
      files?.entries.map(({ name, kind }) => [name, kind]),
      [
        ['menu.txt', 'file'],
        ['wine.txt', 'file'],
      ],
    )
    assert.equal(readFileSync(join(kitchen.node.down, 'wine.txt'), 'utf8'), 'red')

    const many = Array.from({ length: 120 }, (_, number) => [`holiday/day 1/${number}.jpg`, `${number}`])
    const left = { 'holiday/.DS_Store': 'x', 'holiday/empty/': '' }
    await write(desk.node.folder, { ...Object.fromEntries(many), 'holiday/one.jpg': 'sun', ...left })
    await dropPaths(at, '.talk', [join(desk.node.folder, 'holiday')])
    await there.getByRole('button', { name: 'Accept holiday/ (121 files)' }).click()
    await at.locator('.offer-card', { hasText: 'received, verified' }).nth(1).waitFor()
    assert.equal(kitchen.node.node.files.offers().length, 2)
    const sent = await treeOf(join(desk.node.folder, 'holiday'))
    for (const name of ['.DS_Store', 'empty/']) delete sent[name]
    assert.deepEqual(await treeOf(join(kitchen.node.down, 'holiday')), sent)
    await at.locator('.uploads').waitFor({ state: 'detached' })
    assert.deepEqual(stage.complaints, [])
  },
)

test(
  'a file that changes before its turn is named, and nothing of what it was dropped with is offered',
  { skip, timeout: 180_000 },
  async (t) => {
    const stage = await openStage(t)
    const [desk, kitchen] = [await stage.open('desk'), await stage.open('kitchen')]
    const page = await stage.visit(desk)
    page.setDefaultTimeout(timeout)
    await page.locator('.person-row', { hasText: '"kitchen"' }).click()
    // So many wait for an answer that the folder has to wait too.
    for (let number = 0; number < limits.pendingOffersPerPeer; number++)
      await drop(page, '.talk', [{ name: `${number}.txt`, text: 'x' }])
    const open = (): number => desk.node.node.files.offers().length
    await until(() => open() === limits.pendingOffersPerPeer, 'as many as may wait', timeout)
    await write(desk.node.folder, { 'plans/a.txt': 'a', 'plans/b.txt': 'b' })
    await dropPaths(page, '.talk', [join(desk.node.folder, 'plans')])
    await page.locator('.uploads li', { hasText: 'plans (2 files)' }).waitFor()

    await write(desk.node.folder, { 'plans/b.txt': 'another, and longer' })
    const [first] = kitchen.node.node.files.offers()
    if (first !== undefined) await kitchen.node.node.files.decline(first.id)
    await page.locator('.notice.alarm', { hasText: '"plans/b.txt" cannot be read, or has changed' }).waitFor()
    assert.equal(open(), limits.pendingOffersPerPeer)
  },
)
