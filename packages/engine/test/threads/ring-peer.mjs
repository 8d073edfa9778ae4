/**
 * One end of a ring in a thread of its own: `send` makes numbered records of random size, `receive` checks every one, `echo` sends back what
 * it receives, `ask` sends one and waits for its echo. `hammer` sends barriers in front of every burst, and `compare` notes where they were delivered.
 * `overtaken` and `capture` take one checkpoint after the other, which the latter asks for. Parks without timeout, as a worker loop does: a lost wake-up is a stop for ever.
 */
import { parentPort, workerData } from 'node:worker_threads'

const { dist, role, rings, control, records, seed, timed, maxFrameBytes, windowBytes, sizeMax, burstMax, pauseEvery, asked } = workerData
const { ConsumerMetrics, ProducerMetrics } = await import(`${dist}/channel/channel-metrics.js`)
const { RingInput } = await import(`${dist}/channel/ring-input.js`)
const { RingOutput } = await import(`${dist}/channel/ring-output.js`)
const { createRecordDecoder, createRecordEncoder } = await import(`${dist}/codec/index.js`)
const { Doorbell } = await import(`${dist}/control/control-layout.js`)
const { createEmit } = await import(`${dist}/task/edge-output.js`)

const first = ['send', 'ask', 'hammer', 'overtaken'].includes(role)
const ownBell = new Doorbell(control, 2, first ? 0 : 1)
const otherBell = new Doorbell(control, 2, first ? 1 : 0)
const gate = { closed: 0 }
const identity = { edge: 'a.out -> b[0]', fromIndex: 0, toIndex: 0 }
const common = { id: 0, edgeName: 'a -> b', identity, maxFrameBytes, timed, maxRecordBytes: 1 << 24, bell: otherBell }
const alive = setInterval(() => {}, 1_000_000)

/** Small and the same on both sides: what record number n looks like. */
let state = seed
function random() {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
  return state
}
const letters = 'x'.repeat(sizeMax + 1)
function sizeOf() {
  const size = random() >> 8
  return size % 1000 === 0 ? sizeMax : size % 40
}

/** Pauses must not disturb what records look like. */
let pauses = seed ^ 0x5bd1e995
async function pause() {
  pauses = (Math.imul(pauses, 1_103_515_245) + 12_345) & 0x7fffffff
  const kind = (pauses >> 8) % pauseEvery
  if (kind === 0) await new Promise((resolve) => setImmediate(resolve))
  else if (kind === 1) for (const end = performance.now() + ((pauses >> 4) % 100) / 1000; performance.now() < end; );
}

function makeOutput(shared) {
  const encoder = createRecordEncoder({ onDefine: (definition) => output.define(definition), maxRecordBytes: 1 << 24 })
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  const metrics = new ProducerMetrics(new Float64Array(16), 0)
  const output = new RingOutput({ ...common, shared, encoder, gate, clock, metrics })
  const edge = { name: 'a -> b', partitioning: 'forward', timed, encoder, channels: [output], keyGroups: 1, checkRecords: false }
  return { output, emit: createEmit(edge, true) }
}

function makeInput(shared) {
  const metrics = new ConsumerMetrics(new Float64Array(16), 0)
  return new RingInput({ ...common, shared, input: 0, windowBytes, decoder: createRecordDecoder(), metrics })
}

let parks = 0
async function park(isReady) {
  const seen = ownBell.announceParked()
  if (!isReady()) {
    parks++
    const waiting = Atomics.waitAsync(ownBell.words, ownBell.bellAt, seen)
    if (waiting.async) await waiting.value
  }
  ownBell.announceAwake()
}

async function send(shared) {
  const { output, emit } = makeOutput(shared)
  let sent = 0
  let ended = false
  while (!ended || !output.drained) {
    if (gate.closed > 0) output.drain()
    for (let burst = 1 + ((pauses >> 3) % burstMax); burst > 0 && gate.closed === 0 && sent < records; burst--) {
      emit({ id: sent, text: letters.slice(0, sizeOf()) }, sent * 2)
      sent++
    }
    if (sent === records && !ended && gate.closed === 0) {
      ended = true
      output.sendEnd(0)
    }
    output.flush()
    if (gate.closed > 0) await park(() => output.creditArrived())
    await pause()
  }
}

/** Takes what is there; calls `take` with each record, and `onBarrier` with each barrier. */
function drain(input, take, onBarrier) {
  for (;;) {
    if (input.index === input.count) {
      const found = input.next()
      if (found === 0) return false
      if (found === 4) return true
      if (found === 3) {
        onBarrier(input.barrierId)
        continue
      }
      if (found !== 1) throw new Error(`unexpected ${found}`)
    }
    while (input.index < input.count) {
      if (gate.closed > 0) return false
      const record = input.decoder.decode(input.view, input.bytes, input.cursor)
      const timestamp = timed ? input.times[input.timesAt + input.index] : Number.NaN
      input.index++
      take(record, timestamp)
    }
    input.release()
    if (gate.closed > 0) return false
  }
}

let received = 0
function check(record, timestamp) {
  const size = sizeOf()
  if (
    record.id !== received ||
    record.text.length !== size ||
    (timed && timestamp !== received * 2) ||
    (size > 0 && record.text[size - 1] !== 'x')
  )
    throw new Error(`record ${received} of ${size} characters is ${record.id} of ${record.text.length} at ${timestamp}`)
  received++
}

async function receive(shared) {
  const input = makeInput(shared)
  let periods = 0
  while (!drain(input, check)) {
    // The window goes up and down the whole time.
    if (++periods % 64 === 0) input.adapt(0.01 + (periods % 7), { minBytes: 2 * maxFrameBytes, maxBytes: windowBytes, targetMs: 1 })
    await park(() => input.ready())
    await pause()
  }
}

async function ask(there, back) {
  const { output, emit } = makeOutput(there)
  const input = makeInput(back)
  for (let sent = 0; sent < records; sent++) {
    const before = state
    emit({ id: sent, text: letters.slice(0, sizeOf()) }, sent * 2)
    output.flush()
    state = before
    while (received <= sent) {
      if (gate.closed > 0) output.drain()
      drain(input, check)
      if (received <= sent) await park(() => input.ready() || (output.blocked && output.creditArrived()))
    }
    await pause()
  }
  output.sendEnd(0)
}

async function echo(there, back) {
  const input = makeInput(there)
  const { output, emit } = makeOutput(back)
  for (;;) {
    if (gate.closed > 0) output.drain()
    if (drain(input, (record, timestamp) => emit(record, timestamp))) return
    output.flush()
    await park(() => (gate.closed > 0 ? output.creditArrived() : input.ready()))
    await pause()
  }
}

/** What this side noted at its snapshots. */
const notes = []

/** Sends as `send` does, with `between` called before every burst. */
async function sendWith(shared, between) {
  const { output, emit } = makeOutput(shared)
  let sent = 0
  let ended = false
  while (!ended || !output.drained) {
    if (gate.closed > 0) output.drain()
    const more = between(output, sent)
    for (let burst = 1 + ((pauses >> 3) % burstMax); burst > 0 && gate.closed === 0 && sent < records; burst--) {
      emit({ id: sent, text: letters.slice(0, sizeOf()) }, sent * 2)
      sent++
    }
    if (sent === records && !ended && gate.closed === 0) {
      ended = true
      output.sendEnd(0)
    }
    output.flush()
    if (gate.closed > 0) await park(() => output.creditArrived() || more())
    await pause()
  }
}

async function hammer(shared) {
  let id = 0
  await sendWith(shared, (output, sent) => {
    // Several at the same place, several between two looks of the consumer, some that are dropped while they wait.
    for (let count = (pauses >> 5) % 4; count > 0; count--) {
      output.sendBarrier(++id, false)
      notes.push({ id, records: sent })
    }
    return () => false
  })
}

async function compare(shared) {
  const input = makeInput(shared)
  while (!drain(input, check, (id) => notes.push({ id, records: received }))) {
    await park(() => input.ready())
    await pause()
  }
}

async function overtaken(shared) {
  let done = 0
  await sendWith(shared, (output, sent) => {
    const id = Atomics.load(asked, 0)
    const note = notes.at(-1)
    if (id !== done) {
      done = id
      notes.push({ id, records: sent, slice: output.sendBarrier(id, id % 3 > 0) })
    } else if (output.barrierPending()) note.slice = output.overtake(id)
    return () => Atomics.load(asked, 0) !== done || output.barrierPending()
  })
}

async function capture(shared) {
  const input = makeInput(shared)
  let id = 0
  let begun = true
  const begin = () => {
    begun = true
    notes.push({ id, records: received })
    input.beginCapture(id)
  }
  for (;;) {
    if (begun) {
      const slices = input.takeCapture()
      if (slices !== 'incomplete') {
        if (id > 0) notes.at(-1).slices = slices
        Atomics.store(asked, 0, ++id)
        otherBell.ring()
        begun = false
      }
    }
    // At once, or when the barrier is seen or reached.
    if (!begun && (id % 2 === 0 || input.arrivedBarrier === id)) begin()
    const ended = drain(input, check, (barrier) => {
      if (begun) throw new Error(`barrier ${barrier} is delivered although it is captured`)
      begin()
    })
    if (ended) return
    await park(() => input.ready() || input.captured)
    await pause()
  }
}

const roles = { send, receive, ask, echo, hammer, compare, overtaken, capture }
await roles[role](...rings)
clearInterval(alive)
parentPort.postMessage({ received, parks, notes })
