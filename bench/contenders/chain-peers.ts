/** Other ways to write a chain of steps in one thread, each as its own documentation recommends it. Records are made, taken through and summed by the same functions. */
import { Readable, Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Meter } from '../harness/meter.js'
import { makePriced, type Priced, priceOf, type Step } from '../records/chain-steps.js'
import { summingSink } from '../records/summing-sink.js'

export async function nodeStreams(steps: readonly Step[], meter: Meter): Promise<void> {
  let index = 0
  const source = new Readable({
    objectMode: true,
    read() {
      // As many as it takes at once.
      while (this.push(meter.ended ? null : makePriced(index++)) && !meter.ended);
    },
  })
  const transforms = steps.map(
    ({ kind, fn }) =>
      new Transform({
        objectMode: true,
        transform(record: Priced, _encoding, callback) {
          if (kind === 'map') callback(null, fn(record))
          else if (fn(record)) callback(null, record)
          else callback()
        },
      }),
  )
  const take = summingSink(priceOf, meter)
  const sink = new Writable({
    objectMode: true,
    write(record: Priced, _encoding, callback) {
      take(record)
      callback()
    },
  })
  await pipeline([source, ...transforms, sink])
}

export async function rxjs(steps: readonly Step[], meter: Meter): Promise<void> {
  const { Observable, filter, map } = await import('rxjs')
  let stream = new Observable<Priced>((subscriber) => {
    for (let index = 0; !meter.ended; index++) subscriber.next(makePriced(index))
    subscriber.complete()
  })
  for (const step of steps) stream = step.kind === 'map' ? stream.pipe(map(step.fn)) : stream.pipe(filter(step.fn))
  stream.subscribe(summingSink(priceOf, meter))
}

async function* mapRecords(input: AsyncIterable<Priced>, fn: (record: Priced) => Priced): AsyncGenerator<Priced> {
  for await (const record of input) yield fn(record)
}

async function* filterRecords(input: AsyncIterable<Priced>, fn: (record: Priced) => boolean): AsyncGenerator<Priced> {
  for await (const record of input) if (fn(record)) yield record
}

async function* makeRecords(meter: Meter): AsyncGenerator<Priced> {
  for (let index = 0; !meter.ended; index++) yield makePriced(index)
}

export async function asyncGenerators(steps: readonly Step[], meter: Meter): Promise<void> {
  let stream: AsyncIterable<Priced> = makeRecords(meter)
  for (const step of steps) stream = step.kind === 'map' ? mapRecords(stream, step.fn) : filterRecords(stream, step.fn)
  const take = summingSink(priceOf, meter)
  for await (const record of stream) take(record)
}
