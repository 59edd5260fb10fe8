import type { Transfer } from '../index.ts'
import { countText, durationText, rateText, sizeText } from './amounts.ts'
import { displayText } from './display-text.ts'
import { shownPath } from './local-path.ts'

/** `Saved as /home/me/Downloads/a.iso: 1.2 GB in 3.0 s (400 MB/s), verified.` The speed is that of what was not here before. */
export function savedLine(
  transfer: Pick<Transfer, 'path' | 'savedAs' | 'totalBytes' | 'totalFiles' | 'reusedFiles' | 'reusedBytes'>,
  ms: number,
): string {
  const { path, savedAs, totalBytes, totalFiles, reusedFiles = 0, reusedBytes = 0 } = transfer
  const what = `${totalFiles > 1 ? `${countText(totalFiles, 'file')}, ` : ''}${sizeText(totalBytes)}`
  if (reusedFiles > 0 && reusedFiles === totalFiles)
    return `There already: ${savedAs === undefined ? displayText(path) : shownPath(savedAs)}, ${what}.`
  const where = savedAs === undefined ? `${displayText(path)} is there` : `Saved as ${shownPath(savedAs)}`
  const fetchedBytes = Math.max(0, totalBytes - reusedBytes)
  const rate = fetchedBytes > 0 ? ` (${rateText((fetchedBytes / ms) * 1_000)})` : ''
  const speed = ms >= 100 ? ` in ${durationText(ms)}${rate}` : ''
  return `${where}: ${what}${speed}, verified${reusedText(transfer)}.`
}

function reusedText({
  totalFiles,
  reusedFiles = 0,
  reusedBytes = 0,
}: Parameters<typeof savedLine>[0]): string {
  if (reusedFiles > 0) return `; ${reusedFiles} of ${countText(totalFiles, 'file')} were there already`
  return reusedBytes > 0 ? `; ${sizeText(reusedBytes)} of it did not have to be fetched` : ''
}
