#!/usr/bin/env node
'use strict'
// Plain old JavaScript on purpose: a Node that is too old must be able to read this file and say so.
var major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(
    'slmctl needs Node.js 24 or newer; this is ' +
      process.version +
      '. Install a newer Node.js, or run it with the one in node_modules/node/bin.\n',
  )
  process.exitCode = 2
} else {
  var fs = require('fs')
  var path = require('path')
  var built = path.join(__dirname, '..', 'dist', 'slmctl.cjs')
  var source = path.join(__dirname, '..', 'src', 'cli.ts')
  // A checkout runs its sources, a package its bundle.
  if (fs.existsSync(source)) {
    import(require('url').pathToFileURL(source).href).then((cli) => cli.main(process.argv.slice(2)))
  } else {
    require('module').enableCompileCache()
    require(built).main(process.argv.slice(2))
  }
}
