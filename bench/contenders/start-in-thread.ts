/** A program that runs the tiny job on its own thread. */
import { run } from 'sluice'
import tiny from '../jobs/tiny.job.js'

await run(tiny).finished
