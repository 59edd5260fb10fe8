import { displayText } from '../face/display-text.ts'
import type { SharedFile, Transfer } from '../index.ts'
import { attempt, type Page } from './page.ts'

/** Puts a file or folder into the queue. */
export async function take(page: Page, { peerId, path }: Pick<SharedFile, 'peerId' | 'path'>): Promise<void> {
  await attempt(page, async () => {
    const transfer = await page.link.call<Transfer>('get', { peerId, path })
    const text = `Taking ${displayText(transfer.path)}.`
    page.dispatch({ type: 'notice', news: { kind: 'news', text, place: { view: 'transfers' } } })
  })
}
