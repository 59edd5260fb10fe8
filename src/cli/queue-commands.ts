import { parseByteCount } from '../config/byte-count.ts'
import { limits, P2PError, type Transfer, type TransferLimits } from '../index.ts'
import { rateText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import type { Command, CommandContext, Outcome } from './command.ts'
import { transferLines } from './file-view.ts'
import { pick } from './names.ts'
import { hasTransferEnded } from './ongoing.ts'
import { pageSize } from './shell-state.ts'

/** Commands about what is on its way, in the order in which `help` shows them. */
export const queueCommands: readonly Command[] = [
  {
    name: 'transfers',
    usage: 'transfers [clear]',
    summary: 'What is on its way; clear: forget what has ended',
    argument: 'optional',
    run: transfers,
  },
  control({
    name: 'pause',
    summary: 'Let a transfer rest',
    carryOut: (files, id) => files.pause(id),
    told: 'Paused',
  }),
  control({
    name: 'resume',
    summary: 'Go on with one that rests or has failed',
    carryOut: (files, id) => files.resume(id),
    told: 'Goes on',
  }),
  control({
    name: 'cancel',
    summary: 'Give a transfer up',
    carryOut: (files, id) => files.cancel(id),
    told: 'Cancelled',
  }),
  {
    name: 'limit',
    usage: 'limit [what] [rate]',
    summary: 'How fast files come and go, and how many at once',
    details: [
      'limit download 20MB/s, limit upload 500k, limit peer 5M: bytes a second, of all together or of each peer; off takes a limit away.',
      'limit active 5: so many transfers go on at the same time. In this run; "files" in config.yaml makes it last.',
    ].join('\n'),
    argument: 'optional',
    words: 'many',
    completes: 'limit',
    run: limit,
  },
]

async function transfers({ state, view }: CommandContext, argument: string): Promise<Outcome> {
  const { files } = state.node
  if (argument !== '' && argument !== 'clear')
    throw new P2PError('usage', 'Write "transfers", or "transfers clear" to forget those that have ended.')
  if (argument === 'clear') await files.clear()
  const all = files.transfers()
  const shown = all.slice(0, pageSize)
  state.listedTransfers = shown.map(({ id }) => id)
  const more = all.length - shown.length
  return {
    result: { transfers: all },
    lines:
      all.length === 0
        ? ['Nothing is on its way.']
        : [...transferLines(view, shown), ...(more > 0 ? [`… and ${more} more`] : [])],
  }
}

interface Control {
  readonly name: 'pause' | 'resume' | 'cancel'
  readonly summary: string
  readonly carryOut: (files: CommandContext['state']['node']['files'], id: string) => Promise<void>
  readonly told: string
}

/** A command that takes a transfer and changes what becomes of it. */
function control({ name, summary, carryOut, told }: Control): Command {
  return {
    name,
    usage: `${name} <transfer>`,
    summary,
    details: 'A transfer is named by its number in the last list, or by any beginning of its ID.',
    argument: 'required',
    completes: 'transfer',
    run: async (context, argument) => {
      const { state } = context
      const { id, path } = transferNamed(context, argument)
      await state.decide(() => carryOut(state.node.files, id))
      const transfer = state.node.files.transfers().find((one) => one.id === id)
      return {
        ...(transfer !== undefined && { result: { transfer } }),
        lines: [`${told}: ${displayText(path)}.`],
        ...(name === 'resume' && { ongoing: [{ kind: 'transfer', id }] }),
      }
    },
  }
}

function transferNamed({ state }: CommandContext, text: string): Transfer {
  const all = state.node.files.transfers()
  const ids = all.map(({ id }) => id)
  const going = all.filter((one) => !hasTransferEnded(one)).map(({ id }) => id)
  const listed = state.listedTransfers.length > 0 ? state.listedTransfers : going
  const id = pick(text, { kind: 'transfer', ids, listed })
  const transfer = all.find((one) => one.id === id)
  if (transfer !== undefined) return transfer
  throw new P2PError(
    'transfer-unknown',
    `No transfer ${displayText(text)} is here. "transfers" shows those that are.`,
  )
}

const limitNames = {
  download: 'download',
  upload: 'upload',
  peer: 'perPeer',
} as const satisfies Readonly<Record<string, keyof TransferLimits>>

async function limit({ state: { node } }: CommandContext, argument: string): Promise<Outcome> {
  if (argument !== '') await node.files.setLimits(parseLimit(argument))
  const { download, upload, perPeer, active } = node.files.limits
  return {
    result: { limits: { download, upload, perPeer, active } },
    lines: [
      `download  ${rateText(download)}`,
      `upload    ${rateText(upload)}`,
      `peer      ${rateText(perPeer)}`,
      `active    ${active}`,
    ],
  }
}

/** @throws P2PError `usage` */
function parseLimit(argument: string): Partial<TransferLimits> {
  const [what = '', ...rest] = argument.split(' ')
  const text = rest.join(' ')
  if (what === 'active') {
    const active = /^\d{1,4}$/.test(text) ? Number(text) : 0
    if (active >= 1 && active <= limits.transfers) return { active }
    throw new P2PError('usage', `Write a number from 1 to ${limits.transfers}, such as "limit active 3".`)
  }
  if (what === 'download' || what === 'upload' || what === 'peer') {
    const rate = text === 'off' ? Infinity : parseByteCount(text)
    if (rate !== undefined && rate > 0) return { [limitNames[what]]: rate }
    throw new P2PError('usage', `Write bytes a second, such as "limit ${what} 20MB/s", or off.`)
  }
  throw new P2PError(
    'usage',
    `"${displayText(what)}" has no limit. Write download, upload or peer with a rate, or active with a number.`,
  )
}
