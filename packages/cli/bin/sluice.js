#!/usr/bin/env node
import '../dist/joined/bin.js'
