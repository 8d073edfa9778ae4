/**
 * The gate of a chain: counts what keeps it from taking the next record. The driver looks at `closed` before each record; zero
 * means every output has credit, no expansion is suspended, no sink or async operator is at its limit.
 */
export class Gate {
  closed = 0
}
