/** Shared metrics words written by a test through the layout, and read through the reader under test. */
import { CallWord, CallWords } from '../../src/metrics/call-words.js'
import { DropCounts } from '../../src/metrics/drop-counts.js'
import { ChannelWord, layoutMetrics, OperatorWord, SubtaskWord } from '../../src/metrics/metric-layout.js'
import { type MetricsSnapshot, readMetrics } from '../../src/metrics/read-metrics.js'
import type { PhysicalPlan } from '../../src/plan/physical-plan.js'

type Words<Names> = { readonly [Name in keyof Names]?: number }

export class MetricsBoard {
  readonly #plan: PhysicalPlan
  readonly words: Float64Array
  readonly #drops = new Map<number, DropCounts>()

  constructor(plan: PhysicalPlan) {
    this.#plan = plan
    const layout = layoutMetrics(plan)
    this.words = new Float64Array(layout.words)
    for (const { id } of plan.subtasks) {
      const at = layout.subtaskAt(id)
      this.words[at + SubtaskWord.activeOperator] = -1
      this.words[at + SubtaskWord.blockedChannel] = -1
    }
  }

  /** `subtask` of the task that begins with the operator. */
  subtask(task: string, index: number, values: Words<typeof SubtaskWord>): this {
    const at = layoutMetrics(this.#plan).subtaskAt(this.id(task, index))
    for (const [name, value] of Object.entries(values)) this.words[at + SubtaskWord[name as keyof typeof SubtaskWord]] = value
    return this
  }

  channel(edge: string, at: number, values: Words<typeof ChannelWord>): this {
    const id = this.#plan.edges.find(({ name }) => name === edge)?.channels[at]
    if (id === undefined) throw new Error(`no channel ${at} on ${edge}`)
    const word = layoutMetrics(this.#plan).channelAt(id)
    for (const [name, value] of Object.entries(values)) this.words[word + ChannelWord[name as keyof typeof ChannelWord]] = value
    return this
  }

  sampled(task: string, index: number, position: number, sampledMs: number): this {
    const at = layoutMetrics(this.#plan).operatorAt(this.id(task, index), position)
    this.words[at + OperatorWord.sampledMs] = sampledMs
    this.words[at + OperatorWord.sampledRecords] = 256
    return this
  }

  /** Of the operator with a guard at the head of a task. `error`: what a call failed with last. */
  calls(task: string, index: number, values: Words<typeof CallWord>, error?: string): this {
    const at = layoutMetrics(this.#plan).callsAt(this.id(task, index), 0)
    if (at === undefined) throw new Error(`${task} has no guard`)
    if (error !== undefined) {
      const calls = new CallWords(this.words, at, () => 0)
      calls.begin(1)
      calls.end(true, new Error(error))
    }
    for (const [name, value] of Object.entries(values)) this.words[at + CallWord[name as keyof typeof CallWord]] = value
    return this
  }

  dropped(task: string, index: number, position: number, reasons: Readonly<Record<string, number>>): this {
    const at = layoutMetrics(this.#plan).dropsAt(this.id(task, index), position)
    const counts = this.#drops.get(at) ?? new DropCounts(this.words, at)
    this.#drops.set(at, counts)
    for (const [reason, count] of Object.entries(reasons)) counts.add(reason, count)
    return this
  }

  /** By code. */
  deadLetters(task: string, index: number, position: number, codes: Readonly<Record<string, number>>): this {
    const letters = new DropCounts(this.words, layoutMetrics(this.#plan).lettersAt(this.id(task, index), position))
    for (const [code, count] of Object.entries(codes)) letters.add(code, count)
    return this
  }

  read(nowMs: number): MetricsSnapshot {
    return readMetrics(this.#plan, this.words, nowMs)
  }

  id(task: string, index: number): number {
    const id = this.#plan.tasks.find(({ name }) => name.split(' ')[0] === task)?.subtasks[index]
    if (id === undefined) throw new Error(`no subtask ${index} of ${task}`)
    return id
  }
}
