#!/usr/bin/env node
// The installed command. This file must run on any Node, so that an old one is told what to do: plain old syntax.
'use strict'

var OLDEST = [24, 15]

function isNewEnough(version) {
  var parts = version.replace(/^v/, '').split('.')
  var major = Number(parts[0])
  return major > OLDEST[0] || (major === OLDEST[0] && Number(parts[1]) >= OLDEST[1])
}

if (isNewEnough(process.version)) {
  void import('../dist/cli.js')
} else {
  process.stderr.write(
    'p2p: needs Node ' +
      OLDEST.join('.') +
      ' or newer, and this is ' +
      process.version +
      '.\n' +
      'p2p: install a newer one from https://nodejs.org, then run the same command again.\n',
  )
  process.exit(78)
}
