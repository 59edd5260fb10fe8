import { errorTable } from '../index.ts'
import { tools } from './arguments.ts'
import type { Command } from './command.ts'
import { commands } from './commands.ts'
import { standaloneNames } from './standalone.ts'
import { version } from './version.ts'

/** The manual page, in the language of man(7), from the same table as `help`. */
export function manual(): string {
  const alone = new Set<string>(standaloneNames)
  const described = commands.flatMap((command) => entry(command, alone))
  const helpers = Object.entries(tools).flatMap(([name, about]) => [
    '.TP',
    `.B ${name}`,
    roff(sentence(about)),
  ])
  return `${[
    `.TH P2P 1 "" "p2p ${version()}" "User Commands"`,
    '.SH NAME',
    String.raw`p2p \- find peers near you, talk with them and share files, without a server`,
    '.SH SYNOPSIS',
    '.B p2p',
    '[options] [command]',
    '.SH DESCRIPTION',
    'Without a command, p2p opens a prompt. A command uses the p2p that runs with the same data directory, such as one that "p2p serve" keeps running, or else runs a node for as long as it needs.',
    '.SH COMMANDS',
    ...described,
    '.TP',
    '.B serve',
    'Runs without a screen, until a signal ends it. SIGHUP reads the configuration again.',
    '.TP',
    '.B events',
    roff(
      'Tells everything that happens; --json: one event a line; --exec COMMAND: runs it for each, with the event on its standard input.',
    ),
    ...helpers,
    '.SH EXIT STATUS',
    ...statuses(),
  ].join('\n')}\n`
}

function entry(
  { name, aliases = [], usage, summary, details = '' }: Command,
  alone: ReadonlySet<string>,
): readonly string[] {
  const where = [name].concat(aliases).some((one) => alone.has(one)) ? '' : ' At the prompt only.'
  const rows = details === '' ? [] : details.split('\n')
  return ['.TP', `.B ${roff(usage)}`, roff(`${summary}.${where}`)].concat(
    rows.flatMap((row) => ['.br', roff(row)]),
  )
}

function statuses(): readonly string[] {
  const byStatus = Map.groupBy(Object.values(errorTable), ({ exit }) => exit)
  return [...byStatus]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([exit, entries]) =>
      ['.TP', `.B ${exit}`].concat(entries.map(({ sentence: told }) => roff(told))),
    )
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** A backslash is a command there, and so is a dot or an apostrophe at the beginning of a line; other letters than ASCII are named. */
function roff(text: string): string {
  const plain = text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll(/[^\n -~]/gu, (letter) => `\\[u${hex(letter)}]`)
  return /^[.']/.test(plain) ? `\\&${plain}` : plain
}

function hex(letter: string): string {
  return (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
}
