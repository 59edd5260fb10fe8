/** /metrics in the text format of Prometheus 0.0.4, read line by line as its specification says, and named as its conventions ask. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDriven, sayRaw } from './open.ts'

interface Family {
  readonly help: string
  readonly type: string
  readonly samples: ReadonlyMap<string, number>
}

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"`
const sample = new RegExp(`^(${name})(\\{${label}(?:,${label})*\\})? (-?[0-9.]+(?:[eE][+-]?[0-9]+)?)$`)

/** @throws for whatever the format does not allow */
function parse(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith('\n'))
  const families = new Map<string, { help: string; type: string; samples: Map<string, number> }>()
  let current = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const [, word, of = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (word === 'HELP') {
      assert.ok(!families.has(of), `${of} is there twice`)
      families.set(of, { help: rest, type: '', samples: new Map() })
      current = of
    } else if (word === 'TYPE') {
      assert.equal(of, current, line)
      assert.match(rest, /^(counter|gauge)$/)
      families.get(of)!.type = rest
    } else {
      const [, family = '', labels = '', value] = sample.exec(line) ?? []
      assert.equal(family, current, `${line} is no sample of ${current}`)
      const { samples } = families.get(family)!
      assert.ok(!samples.has(labels), `${line} is there twice`)
      samples.set(labels, Number(value))
    }
  }
  return families
}

/** What the naming conventions of Prometheus have against a family. */
function complaintsAbout([family, { type, help, samples }]: readonly [string, Family]): readonly string[] {
  return [
    ...(/^(p2p|process)_[a-z0-9_]+$/.test(family) ? [] : [`${family} has no prefix, or odd letters`]),
    ...((type === 'counter') === family.endsWith('_total') ? [] : [`${family} is a ${type}`]),
    ...(/(?:milli|micro|kilo|mega|minutes|hours)/.test(family) ? [`${family} is not in base units`] : []),
    ...(help.length > 5 ? [] : [`${family} has no help`]),
    ...([...samples.values()].every((value) => Number.isFinite(value) && value >= 0)
      ? []
      : [`${family} is no number`]),
  ]
}

test('what /metrics says can be read, is named as is usual, and tells of nobody', async (t) => {
  const driven = await openDriven(t)
  const { desk, kitchen, control, token } = driven
  await desk.node.conversation(kitchen.node.id).send('lunch?')
  const answer = await sayRaw(
    { port: control.port ?? 0 },
    `GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:${control.port}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
  )
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  assert.match(head, /^content-type: text\/plain; version=0\.0\.4/im)
  const families = parse(body)
  assert.deepEqual([...families].flatMap(complaintsAbout), [])
  assert.equal(families.get('p2p_peers')?.samples.get(''), 1)
  assert.ok(
    [...(families.get('p2p_events_total')?.samples.keys() ?? [])].some((one) =>
      one.startsWith('{type="session:opened'),
    ),
    body,
  )
  assert.ok((families.get('process_resident_memory_bytes')?.samples.get('') ?? 0) > 1e6)
  for (const secret of [desk.node.id, kitchen.node.id, 'lunch', 'desk', 'kitchen', token])
    assert.ok(!body.includes(secret), secret)
})

test('the reader itself refuses what is no metric, and the conventions what has a bad name', () => {
  for (const wrong of [
    'x 1',
    '# HELP a b\n# TYPE a gauge\na{b=c} 1\n',
    '# HELP a b\n# TYPE a gauge\na NaN?\n',
    '# HELP a b\n# TYPE b gauge\n',
  ])
    assert.throws(() => parse(wrong), wrong)
  const bad = parse('# HELP peers who is here\n# TYPE peers counter\npeers 1\n')
  assert.equal([...bad].flatMap(complaintsAbout).length, 2)
})
