/** What is aimed at with 2 workers: events per second, and the share of the hand-written loop's. */
export interface QueryTarget {
  readonly floor: number
  readonly aim: number
  readonly floorShare: number
  readonly aimShare: number
}

const target = (floor: number, aim: number, floorShare: number, aimShare: number): QueryTarget => ({ floor, aim, floorShare, aimShare })

const passing = target(5e6, 20e6, 0.05, 0.15)
const light = target(3e6, 12e6, 0.05, 0.15)
const keyed = target(1.5e6, 8e6, 0.1, 0.3)
const heavy = target(1e6, 4e6, 0.1, 0.3)

const queryTargets: Readonly<Record<string, QueryTarget>> = {
  q0: passing,
  q1: passing,
  q2: passing,
  q3: light,
  q7: light,
  q8: light,
  q13: light,
  q4: keyed,
  q5: keyed,
  q9: keyed,
  q11: keyed,
  q17: keyed,
  q19: keyed,
  q20: keyed,
  q14: heavy,
  q15: heavy,
  q18: heavy,
  q21: heavy,
  q22: heavy,
  q16: target(0.3e6, 1e6, 0.15, 0.5),
}

/** The best that both figures reach; undefined where nothing is aimed at. */
export function judgeQuery(query: string, eventsPerSecond: number, share: number | undefined): 'aim' | 'floor' | 'no' | undefined {
  const { [query]: aimedAt } = queryTargets
  if (aimedAt === undefined || share === undefined) return undefined
  if (eventsPerSecond >= aimedAt.aim && share >= aimedAt.aimShare) return 'aim'
  return eventsPerSecond >= aimedAt.floor && share >= aimedAt.floorShare ? 'floor' : 'no'
}
