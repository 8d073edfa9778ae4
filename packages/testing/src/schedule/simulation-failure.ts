/** What a simulation found: it names the seed, and how to run it again. */
export class SimulationFailure extends Error {
  override readonly name: string = 'SimulationFailure'
  readonly seed: number

  constructor(seed: number, message: string, options?: ErrorOptions) {
    super(`${message}\nseed ${seed}: run it again with { seed: ${seed} }`, options)
    this.seed = seed
  }
}
