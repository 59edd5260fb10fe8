import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unusable } from './file-error.ts'

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
