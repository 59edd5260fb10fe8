/** Tab in real shells: commands, people and their files. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { until } from '../app/nodes.ts'
import { homes, program, result, type Homes } from './homes.ts'
import { noTerminal, Terminal } from './terminal.ts'

const prompt = 'tab> '
/** Files of the folder that the other peer shares: one with a space, one with everything that shells quote. */
const [spaced, quoted] = ['my cat.jpg', `Ann's "best" $HOME.jpg`] as const
/** Nobody waits long for Tab: what a busy machine does not find in time is offered the next time. */
const tries = 20

interface Shell {
  readonly name: string
  /** Starts it at the prompt, with completion and nothing else. */
  readonly start: (home: Homes['file']) => readonly string[]
  /** How it writes `quoted`. */
  readonly quoted: string
}

const shells: readonly Shell[] = [
  {
    name: 'zsh',
    start(home) {
      const rc = `PS1='${prompt}'
autoload -U compinit
compinit -D -u
source <(p2p completion zsh)
`
      writeFileSync(home('.zshrc'), rc)
      return ['env', `ZDOTDIR=${home('.')}`, 'zsh', '--no-global-rcs', '-i']
    },
    quoted: String.raw`Ann\'s\ \"best\"\ \$HOME.jpg`,
  },
  {
    name: 'fish',
    start(home) {
      const rc = `function fish_prompt; echo -n '${prompt}'; end
set -g fish_greeting
set -g fish_autosuggestion_enabled 0
p2p completion fish | source
`
      writeFileSync(home('rc.fish'), rc)
      return [
        'env',
        `HOME=${home('.')}`,
        'fish',
        '--no-config',
        '--init-command',
        `source ${home('rc.fish')}`,
      ]
    },
    quoted: String.raw`Ann\'s\ \"best\"\ \$HOME.jpg`,
  },
]

test(
  'Tab in bash completes commands, people and their files',
  { skip: noShell('bash'), timeout: 300_000 },
  async (t) => {
    const table = await setTable(t)
    const complete = (line: string): readonly string[] => {
      const script = `source <(p2p completion bash)
compopt() { :; }
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
COMP_LINE=$1 COMP_POINT=\${#1}
_p2p
printf '%s\\n' "\${COMPREPLY[@]}"`
      const env = { ...process.env, ...table.env }
      const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', line], { env, encoding: 'utf8' })
      assert.equal(stderr, '')
      return stdout.split('\n').filter((one) => one !== '')
    }
    // Nobody waits long for Tab: what a busy machine does not find in time is offered the next time.
    const offers = async (line: string, wanted: readonly string[]): Promise<void> => {
      let offered = complete(line)
      for (let tried = 0; tried < tries && offered.join() !== wanted.join(); tried++) {
        await delay(500)
        offered = complete(line)
      }
      assert.deepEqual(offered, wanted)
    }
    await offers('p2p pee', ['peers'])
    await offers('p2p --json pee', ['peers'])
    await offers('p2p --da', ['--data-dir'])
    await offers('p2p tell c', ['cook'])
    await offers('p2p get coo', ['cook:'])
    // What stands before the colon is a word of its own for readline.
    await offers('p2p get cook:pho', ['photos/'])
    await offers('p2p get cook:photos/', [`photos/${quoted}`, 'photos/dog.jpg', `photos/${spaced}`])
    await offers('p2p get cook:photos/m', [String.raw`photos/my\ cat.jpg`])
    for (const typed of [String.raw`p2p get cook:photos/my\ `, String.raw`p2p get cook:photos/my\ c`])
      await offers(typed, [String.raw`photos/my\ cat.jpg`])
    assert.deepEqual(complete('p2p nothing x'), [])
  },
)

for (const shell of shells)
  test(
    `Tab in ${shell.name} completes commands, people and their files`,
    {
      skip: noTerminal || noShell(shell.name),
      timeout: 300_000,
    },
    async (t) => {
      const { file, env } = await setTable(t)
      await using terminal = await Terminal.open(shell.start(file), { env, columns: 200 })
      await terminal.shows(new RegExp(`^${prompt.trim()}$`, 'm'))
      for (const [typed, completed] of [
        ['p2p pee', 'p2p peers '],
        ['p2p tell coo', 'p2p tell cook '],
        ['p2p get coo', 'p2p get cook:'],
        ['p2p get cook:pho', 'p2p get cook:photos/'],
        ['p2p get cook:photos/m', String.raw`p2p get cook:photos/my\ cat.jpg `],
        [String.raw`p2p get cook:photos/my\ c`, String.raw`p2p get cook:photos/my\ cat.jpg `],
        ['p2p get "cook:photos/my c', 'p2p get "cook:photos/my cat.jpg" '],
        ["p2p get 'cook:photos/my c", "p2p get 'cook:photos/my cat.jpg' "],
      ] as const)
        await completes(terminal, typed, completed)

      // The word that stands there is the file and nothing else: no variable of the shell, no end of a quote.
      await completes(terminal, 'p2p get cook:photos/A', `p2p get cook:photos/${shell.quoted} `)
      await terminal.press('C-u')
      await terminal.type(`p2p get cook:photos/${shell.quoted} --to ${file('down')}`)
      await terminal.press('Enter')
      const told = await terminal.shows(/^Saved as/m)
      assert.ok(told.includes(`Taking photos/${quoted} (`), told)
    },
  )

/** Why it cannot be tested here, or false when it can be. */
function noShell(name: string): string | false {
  return spawnSync(name, ['--version']).status === 0
    ? false
    : `${name} is not installed (apt-get install ${name})`
}

/** A node that runs and knows somebody as "cook", who shares photos; and what a shell needs for the `p2p` of that node. */
async function setTable(
  t: TestContext,
): Promise<{ readonly file: Homes['file']; readonly env: Readonly<Record<string, string>> }> {
  const { serve, p2p, file } = homes(t)
  const [, kitchen] = await Promise.all([serve('desk'), serve('kitchen')])
  for (const folder of ['photos', 'down', 'bin']) mkdirSync(file(folder))
  for (const name of [spaced, quoted, 'dog.jpg']) writeFileSync(join(file('photos'), name), name)
  await result(p2p('kitchen', '--json', 'share', file('photos')))
  await until(async () => (await p2p('desk', 'peers')).out.includes('kitchen'), 'the other', 30_000)
  await result(p2p('desk', '--json', 'alias', kitchen.id, 'cook'))
  const command = join(file('bin'), 'p2p')
  writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`)
  chmodSync(command, 0o755)
  return {
    file,
    env: {
      PATH: `${file('bin')}:${process.env['PATH']}`,
      P2P_DATA_DIR: file('desk'),
      P2P_CONFIG: file('config.yaml'),
    },
  }
}

/** Types a line and presses Tab until it has become `wanted`. */
async function completes(terminal: Terminal, typed: string, wanted: string): Promise<void> {
  let line = ''
  for (let tried = 0; tried < tries && line !== wanted; tried++) {
    await terminal.press('C-u')
    await terminal.type(typed)
    await terminal.press('Tab')
    // A shell reads this only when it is done with Tab, so nothing has to be guessed about how long that takes.
    await terminal.type('#')
    const screen = await terminal.shows(new RegExp(`^${prompt}[^\n]*#$`, 'm'))
    line =
      screen
        .split('\n')
        .findLast((row) => row.startsWith(prompt))
        ?.slice(prompt.length, -1) ?? ''
    await terminal.press('C-u')
    await terminal.shows(new RegExp(`^${prompt.trim()}$`, 'm'))
  }
  assert.equal(line, wanted)
}
