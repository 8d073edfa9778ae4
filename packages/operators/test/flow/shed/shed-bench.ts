/** A shed over a fake context, driven like the engine drives it: releases while there is something to let go, and watermarks through it. */
import type { HoldingOperator } from '@sluice/engine'
import type { ShedPolicy, Spill } from '../../../src/index.js'
import { fromArray } from '../../../src/index.js'
import { FakeOperatorContext } from '../../support/fake-operator-context.js'
import { declare, operatorOf } from '../../support/graphs.js'

export interface Item {
  readonly id: number
  readonly key?: string
  readonly weight?: number
  readonly pad?: string
}

export type ItemPolicy = ShedPolicy<Item, string | number | null | readonly [string, number]>

export class ShedBench {
  readonly context: FakeOperatorContext
  readonly operator: HoldingOperator

  constructor(policy: ItemPolicy | Spill, context: FakeOperatorContext = new FakeOperatorContext()) {
    this.context = context
    const graph = declare((job) => {
      job.source('items', fromArray<Item>([])).shed('shed', policy as Spill)
    })
    this.operator = operatorOf(graph, 'shed', context) as HoldingOperator
  }

  push(item: Item, timestamp: number = Number.NaN): void {
    this.operator.process(item, timestamp, 0)
  }

  /** As a chain does it: what is held comes first. */
  watermark(watermark: number): void {
    if (this.operator.holding > 0) this.operator.holdWatermark(watermark, false)
    else this.context.passWatermark(watermark, false)
  }

  block(port = 0): void {
    this.context.blocked.add(port)
  }

  unblock(port = 0): void {
    this.context.blocked.delete(port)
  }

  /** The consumer takes so many records. */
  release(records: number): void {
    this.unblock()
    for (let k = 0; k < records && this.operator.releasable; k++) this.operator.release()
    this.block()
  }

  /** The consumer takes everything, and goes on doing so. */
  flow(): void {
    this.unblock()
    while (this.operator.releasable) this.operator.release()
  }

  /** Ids of what left. */
  get out(): readonly number[] {
    return this.#idsOf(0)
  }

  /** Ids of what was dropped and had a reader. */
  get dropped(): readonly number[] {
    return this.#idsOf(1)
  }

  get counted(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.context.dropped)
  }

  #idsOf(wanted: number): readonly number[] {
    return this.context.emitted.flatMap(({ value, port }) => (port === wanted ? [(value as Item).id] : []))
  }
}
