/** The plan for people and tools: text, a Mermaid or Graphviz drawing, or JSON. Pure. */
import type { LogicalGraph } from '../graph/logical-graph.js'
import { planAsDot } from './describe/plan-as-dot.js'
import { planAsJson } from './describe/plan-as-json.js'
import { planAsMermaid } from './describe/plan-as-mermaid.js'
import { planAsText } from './describe/plan-as-text.js'
import type { PhysicalPlan } from './physical-plan.js'
import type { ResolvedSettings } from './settings.js'

export type PlanFormat = 'text' | 'mermaid' | 'dot' | 'json'

/**
 * Describes a plan; ends without a line break. JSON has a stable order of fields and no functions. With `settings` it says too when
 * checkpoints are taken, and what sources and sinks guarantee then.
 */
export function describePlan(graph: LogicalGraph, plan: PhysicalPlan, format: PlanFormat, settings?: ResolvedSettings): string {
  switch (format) {
    case 'text':
      return planAsText(graph, plan, settings)
    case 'mermaid':
      return planAsMermaid(graph, plan)
    case 'dot':
      return planAsDot(graph, plan)
    case 'json':
      return planAsJson(graph, plan, settings)
  }
}
