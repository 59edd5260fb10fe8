import assert from 'node:assert/strict'
import { test } from 'node:test'
import { platformDataDir } from './platform-dir.ts'

test('the data directory is where the reference has it, on each platform', () => {
  const cases: readonly (readonly [platform: string, env: Record<string, string>, path: string])[] = [
    ['linux', { HOME: '/home/a' }, '/home/a/.config/p2p'],
    ['linux', { HOME: '/home/a', XDG_CONFIG_HOME: '/x' }, '/x/p2p'],
    ['freebsd', { HOME: '/home/a', XDG_CONFIG_HOME: '' }, '/home/a/.config/p2p'],
    ['darwin', { HOME: '/Users/a', XDG_CONFIG_HOME: '/x' }, '/Users/a/Library/Application Support/p2p'],
    ['win32', { APPDATA: 'C:\\Users\\a\\AppData\\Roaming' }, 'C:\\Users\\a\\AppData\\Roaming\\p2p'],
    ['win32', { USERPROFILE: 'C:\\Users\\a' }, 'C:\\Users\\a\\AppData\\Roaming\\p2p'],
  ]
  for (const [platform, env, path] of cases) assert.equal(platformDataDir(env, platform), path)
})

test('a relative XDG_CONFIG_HOME is ignored, as its specification asks', () => {
  assert.equal(platformDataDir({ HOME: '/home/a', XDG_CONFIG_HOME: 'x' }, 'linux'), '/home/a/.config/p2p')
})

test('without variables the system says where the user is at home', () => {
  assert.match(platformDataDir({}, 'linux'), /^\/.*\.config\/p2p$/)
})
