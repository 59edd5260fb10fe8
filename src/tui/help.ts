import { commands } from './open-panel.ts'

/** What stands in the help, in order. */
export const helpLines: readonly string[] = [
  'Beside the list of people, letters are commands; while you write,',
  'the same with Ctrl. They are about whoever is chosen, or talked with.',
  '',
  ...commands.map(({ keys: [letter, ctrl], help }) => {
    const withCtrl = ctrl === undefined ? '' : `Ctrl-${ctrl.slice(1).toUpperCase()}`
    return `  ${letter}  ${withCtrl.padEnd(7)}  ${help}`
  }),
  '',
  '  Enter            talk with who is chosen; send what is written',
  '  Tab, Esc         between people and conversation',
  '  ↑ ↓ PgUp PgDn    choose; scroll to what was said before',
  '  /                look for somebody in the list',
  '  Ctrl-J           a new line in a message',
  '  Ctrl-C           leave p2p',
  '',
  '  ●  here          ○  away',
  '  ✓  verified      ?  unverified: nobody has made sure who it is',
  '  !  not protected: others can read along, and pretend to be anybody',
  '  ✗  blocked, or replaced by a new key',
  '',
  'A name in quotes is what a peer calls itself; one without, your alias.',
]
