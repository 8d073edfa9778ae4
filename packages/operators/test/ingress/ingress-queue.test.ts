/** The queue between what listens and the job, against a model; and the credit that it gives. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type DeliveryOutcome, IngressQueue } from '../../src/ingress/ingress-queue.js'
import { IngressRoom, type RoomNeed } from '../../src/ingress/ingress-room.js'

const BOUNDS = { recordsMax: 20, bytesMax: 100, deliveriesMax: 6 }
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function queueOf(acknowledge: 'accepted' | 'checkpoint' = 'accepted', bounds = BOUNDS) {
  const controller = new AbortController()
  return { controller, queue: new IngressQueue({ ...bounds, acknowledge, signal: controller.signal }) }
}

/** Takes room and pushes; undefined where there is none. */
function offer(
  queue: IngressQueue,
  records: readonly unknown[],
  bytes: number,
  more: object = {},
): { outcome?: DeliveryOutcome } | undefined {
  if (!queue.room.tryTake({ records: records.length, bytes, deliveries: 1 })) return undefined
  const told: { outcome?: DeliveryOutcome } = {}
  queue.push({
    records,
    bytes,
    ...more,
    settle: (outcome) => {
      expect(told.outcome).toBeUndefined()
      told.outcome = outcome
    },
  })
  return told
}

describe('the queue', () => {
  type Operation =
    | { readonly kind: 'offer'; readonly records: number; readonly bytes: number }
    | { readonly kind: 'next' | 'begin' | 'complete' | 'giveUp' }
    | { readonly kind: 'step'; readonly records: number }
  const operation: fc.Arbitrary<Operation> = fc.oneof(
    fc.record({ kind: fc.constant('offer' as const), records: fc.nat(8), bytes: fc.nat(40) }),
    fc.record({ kind: fc.constantFrom('next' as const, 'begin' as const, 'complete' as const, 'giveUp' as const) }),
    fc.record({ kind: fc.constant('step' as const), records: fc.nat(9) }),
  )

  test.each(['accepted', 'checkpoint'] as const)(
    'acknowledge %s: against a model, in any interleaving, stopped anywhere',
    async (acknowledge) => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 60 }), fc.boolean(), async (operations, closesAtOnce) => {
          const { queue, controller } = queueOf(acknowledge)
          const offered: { readonly ids: readonly string[]; readonly told: { outcome?: DeliveryOutcome } }[] = []
          const given: unknown[] = []
          let batch: readonly unknown[] = []
          let at = 0
          let taken = 0
          let covered = 0
          let snapshot: number | undefined
          for (const operation of operations) {
            switch (operation.kind) {
              case 'offer': {
                const ids = Array.from({ length: operation.records }, (_, index) => `${offered.length}.${index}`)
                const told = offer(queue, ids, operation.bytes)
                if (told !== undefined) offered.push({ ids, told })
                break
              }
              case 'next': {
                if (at < batch.length) break
                const waits = offered.every(({ told, ids }) => told.outcome !== undefined || ids.every((id) => given.includes(id)))
                if (waits) break
                const read = await queue.next()
                batch = read?.records ?? []
                at = 0
                given.push(...batch)
                break
              }
              case 'step': {
                const count = Math.min(operation.records, batch.length - at)
                at += count
                taken += count
                if (count > 0) queue.taken(taken, 0)
                break
              }
              case 'begin':
                snapshot ??= taken
                break
              case 'complete':
                if (snapshot !== undefined) queue.covered((covered = snapshot), 0)
                snapshot = undefined
                break
              case 'giveUp':
                snapshot = undefined
            }
            const { records, bytes, deliveries } = queue.room.used
            expect(records).toBeLessThanOrEqual(BOUNDS.recordsMax)
            expect(bytes).toBeLessThanOrEqual(BOUNDS.bytesMax)
            expect(deliveries).toBeLessThanOrEqual(BOUNDS.deliveriesMax)
            const bound = acknowledge === 'accepted' ? taken : covered
            const order = offered.flatMap(({ ids }) => ids)
            expect(given).toEqual(order.slice(0, given.length))
            let end = 0
            for (const { ids, told } of offered) {
              end += ids.length
              if (ids.length > 0) expect(told.outcome).toEqual(end <= bound ? { accepted: true, records: ids.length } : undefined)
              else if (told.outcome !== undefined) expect(end).toBeLessThanOrEqual(bound)
            }
          }
          if (!closesAtOnce) controller.abort()
          queue.close()
          const bound = acknowledge === 'accepted' ? taken : covered
          let start = 0
          for (const { ids, told } of offered) {
            const records = Math.max(0, Math.min(ids.length, bound - start))
            start += ids.length
            if (ids.length > 0) expect(told.outcome).toEqual({ accepted: records === ids.length, records })
            else expect(told.outcome).toBeDefined()
          }
          expect(queue.room.used).toEqual({ records: 0, bytes: 0, deliveries: 0 })
          expect(offer(queue, ['late'], 1)).toBeUndefined()
          expect(await queue.next()).toBeUndefined()
        }),
        { numRuns: 500 },
      )
    },
  )

  test('what comes within one turn travels together, and a waiting read is woken', async () => {
    const { queue } = queueOf()
    const reading = Promise.resolve(queue.next())
    offer(queue, ['a'], 1)
    offer(queue, ['b', 'c'], 1)
    expect((await reading)?.records).toEqual(['a', 'b', 'c'])
  })

  test('a stop ends a waiting read and refuses what waits, but not what the job has in its hands', async () => {
    const { queue, controller } = queueOf()
    const given = offer(queue, ['a', 'b'], 2)
    await queue.next()
    const waiting = offer(queue, ['c'], 1)
    controller.abort()
    expect(waiting?.outcome).toEqual({ accepted: false, records: 0 })
    expect(given?.outcome).toBeUndefined()
    queue.taken(1, 0)
    queue.close()
    expect(given?.outcome).toEqual({ accepted: false, records: 1 })
    const idle = queueOf()
    const reading = Promise.resolve(idle.queue.next())
    idle.controller.abort()
    expect(await reading).toBeUndefined()
  })

  test('a failure reaches the job, also while it waits', async () => {
    const { queue } = queueOf()
    const reading = Promise.resolve(queue.next())
    queue.fail(new Error('broken'))
    await expect(reading).rejects.toThrow('broken')
  })

  test('dead letters without records are acknowledged when they have left', async () => {
    const letter = { operator: 'in', input: 'x', reason: 'no', position: undefined }
    const accepted = queueOf().queue
    const first = offer(accepted, ['a'], 1)
    const letters = offer(accepted, [], 1, { deadLetters: [letter] })
    const dropped = offer(accepted, [], 1, { dropped: 3 })
    expect(await accepted.next()).toEqual({ records: ['a'], deadLetters: [letter], dropped: 3 })
    accepted.taken(0, 1)
    expect([first?.outcome, letters?.outcome]).toEqual([undefined, undefined])
    accepted.taken(1, 1)
    for (const told of [first, letters, dropped]) expect(told?.outcome?.accepted).toBe(true)

    const covered = queueOf('checkpoint').queue
    const dead = offer(covered, [], 1, { deadLetters: [letter] })
    const nothing = offer(covered, [], 1, { dropped: 1 })
    await covered.next()
    covered.taken(0, 1)
    expect(dead?.outcome).toBeUndefined()
    covered.covered(0, 1)
    for (const told of [dead, nothing]) expect(told?.outcome).toEqual({ accepted: true, records: 0 })
    const alone = offer(covered, [], 1, { dropped: 1 })
    void covered.next()
    await turn()
    void covered.next()
    expect(alone?.outcome).toEqual({ accepted: true, records: 0 })
  })
})

describe('its room', () => {
  const one = { records: 1, bytes: 1, deliveries: 1 }

  test('connections are served in turn, the requests of one in their order', async () => {
    const room = new IngressRoom({ recordsMax: 1, bytesMax: 1, deliveriesMax: 1 })
    expect(room.tryTake(one)).toBe(true)
    const served: string[] = []
    const [greedy, modest] = [{}, {}]
    for (const name of ['g1', 'g2', 'g3']) room.wait(greedy, one, () => served.push(name))
    for (const name of ['m1', 'm2']) room.wait(modest, one, () => served.push(name))
    await turn()
    expect(served).toEqual([])
    for (let times = 0; times < 5; times++) room.give(one)
    expect(served).toEqual(['g1', 'm1', 'g2', 'm2', 'g3'])
  })

  test('little does not pass much for ever, and what was begun goes on', async () => {
    const room = new IngressRoom({ recordsMax: 10, bytesMax: 10, deliveriesMax: 10 })
    expect(room.tryTake({ records: 0, bytes: 6, deliveries: 1 })).toBe(true)
    const served: string[] = []
    room.wait({}, { records: 0, bytes: 8, deliveries: 1 }, () => served.push('much'))
    await turn()
    expect(room.tryTake({ records: 0, bytes: 1, deliveries: 1 })).toBe(false)
    // It holds the bytes that the other waits for, and asks for records only.
    room.wait({}, { records: 10, bytes: 0, deliveries: 0 }, () => served.push('begun'))
    expect(room.tryExtend({ records: 0, bytes: 2, deliveries: 0 })).toBe(true)
    await turn()
    expect(served).toEqual(['begun'])
    room.give({ records: 10, bytes: 8, deliveries: 1 })
    expect(served).toEqual(['begun', 'much'])
  })

  test('who gives up waiting is not told, and makes way', async () => {
    const room = new IngressRoom({ recordsMax: 2, bytesMax: 2, deliveriesMax: 2 })
    room.tryTake(one)
    const told: string[] = []
    const leave = room.wait({}, { records: 2, bytes: 2, deliveries: 1 }, () => told.push('much'))
    room.wait({}, one, (granted) => told.push(`little ${granted}`))
    await turn()
    expect(told).toEqual([])
    leave()
    expect(told).toEqual(['little true'])
    room.wait({}, one, (granted) => told.push(`late ${granted}`))
    room.close()
    expect(told).toEqual(['little true', 'late false'])
    expect(room.tryTake(one)).toBe(false)
  })

  test('every need is served in the end, whatever others do, and the bounds hold', async () => {
    const need = fc.record({ records: fc.nat(4), bytes: fc.nat(6), deliveries: fc.nat(1) })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(3), need), { minLength: 1, maxLength: 40 }), async (asked) => {
        const bounds = { recordsMax: 6, bytesMax: 9, deliveriesMax: 2 }
        const room = new IngressRoom(bounds)
        const owners = [{}, {}, {}, {}]
        const held: RoomNeed[] = []
        let served = 0
        for (const [owner, wanted] of asked)
          room.wait(owners[owner] as object, wanted, () => {
            served++
            held.push(wanted)
            const { records, bytes, deliveries } = room.used
            expect(records <= bounds.recordsMax && bytes <= bounds.bytesMax && deliveries <= bounds.deliveriesMax).toBe(true)
          })
        await turn()
        while (held.length > 0) room.give(held.shift() as RoomNeed)
        expect(served).toBe(asked.length)
        expect([room.waiters, room.used]).toEqual([0, { records: 0, bytes: 0, deliveries: 0 }])
      }),
    )
  })
})
