import { assert, type Operator } from '@sluice/engine'

export class SlidingOperator implements Operator {
  dueAt = 0
  constructor(..._parts: readonly unknown[]) {
    assert(false, 'not there yet')
  }
  process(): void {}
  onWatermark(): void {}
  fire(): boolean {
    return false
  }
}
