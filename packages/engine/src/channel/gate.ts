/**
 * The gate of a chain: counts what keeps it from taking the next record. The driver looks at `closed` before each record; zero
 * means every output has credit, no expansion is suspended, no sink or async operator is at its limit.
 */
export class Gate {
  closed = 0
  /** A snapshot waits for what is suspended to run on into the overdraft. */
  runsOn = false
  /** The overdraft holds as much as it may while something runs on: it stays suspended. */
  exhausted = false

  /** Called where that much is in an overdraft: closes the gate once more until `runsOn` ends. */
  exhaust(): void {
    if (this.exhausted) return
    this.exhausted = true
    this.closed++
  }
}
