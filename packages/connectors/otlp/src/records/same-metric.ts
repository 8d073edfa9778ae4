/** Points of one metric become one message `Metric`, where they come one after the other. */
import { isDeepStrictEqual } from 'node:util'
import type { MetricPoint } from './metric-point.js'

export function metricsOf(points: readonly MetricPoint[]): readonly (readonly MetricPoint[])[] {
  const metrics: MetricPoint[][] = []
  let last: MetricPoint | undefined
  for (const point of points) {
    if (last !== undefined && isSameMetric(last, point)) metrics.at(-1)!.push(point)
    else metrics.push([point])
    last = point
  }
  return metrics
}

function isSameMetric(a: MetricPoint, b: MetricPoint): boolean {
  if (a.name !== b.name || a.type !== b.type || a.unit !== b.unit || a.description !== b.description) return false
  if ('temporality' in a && 'temporality' in b && a.temporality !== b.temporality) return false
  if (a.type === 'sum' && b.type === 'sum' && a.isMonotonic !== b.isMonotonic) return false
  return isSame(a.metadata, b.metadata) && isSame(a.metadataWholeDoubles, b.metadataWholeDoubles)
}

const isSame = (a: object | undefined, b: object | undefined): boolean => a === b || isDeepStrictEqual(a, b)
