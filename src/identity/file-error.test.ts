import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oddFile, unusable } from './file-error.ts'

test('each reason why a directory cannot be used is told with what to do', () => {
  const cases: Readonly<Record<string, RegExp>> = {
    ENOSPC:
      /^\/d cannot be used: the disk is full\. Free some space, or choose another directory with --data-dir\.$/,
    EROFS: /the file system is read-only/,
    EACCES: /permission denied/,
    EDQUOT: /your disk quota is used up/,
  }
  for (const [code, message] of Object.entries(cases)) {
    const cause = Object.assign(new Error('from the system'), { code })
    const error = unusable('/d', cause)
    assert.equal(error.code, 'data-dir-unusable')
    assert.match(error.message, message)
    assert.equal(error.cause, cause)
  }
  assert.match(
    unusable('/d', new Error('something new')).message,
    /: something new\. Correct that, or choose another/,
  )
})

const reasonFor = (code: string): string | undefined =>
  oddFile(Object.assign(new Error('from the system'), { code }))

test('K1: what is wrong with the key file itself is told apart from what is wrong with the disk', () => {
  assert.equal(reasonFor('ELOOP'), 'it is a symbolic link')
  assert.equal(reasonFor('ENXIO'), 'it is not a regular file')
  assert.equal(reasonFor('EACCES'), 'your user may not read it')
  for (const code of ['EIO', 'EMFILE', 'ENOTDIR']) assert.equal(reasonFor(code), undefined)
})
