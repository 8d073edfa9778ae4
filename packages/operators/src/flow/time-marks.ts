/**
 * Watermarks that stand behind records which are held back. Records are numbered in the order of their arrival; a mark leaves when every record
 * in front of it has. There are few at a time: where more come, the oldest gives way to the one behind it, which says more and leaves later.
 */
const MARKS_MAX = 64

interface Mark {
  /** Records with smaller numbers stand in front of it. */
  readonly before: number
  readonly watermark: number
  readonly idle: boolean
}

export class TimeMarks {
  #marks: Mark[] = []

  /** A watermark arrives behind all records with numbers below `before`. */
  hold(before: number, watermark: number, idle: boolean): void {
    const marks = this.#marks
    if (marks.at(-1)?.before === before) marks.pop()
    else if (marks.length >= MARKS_MAX) marks.shift()
    marks.push({ before, watermark, idle })
  }

  /** Gives on the newest mark that no held record stands in front of; `oldest`: the smallest number that is held, Infinity: none is. */
  pass(oldest: number, give: (watermark: number, idle: boolean) => void): void {
    let passed: Mark | undefined
    const marks = this.#marks
    while (marks.length > 0 && (marks[0] as Mark).before <= oldest) passed = marks.shift()
    if (passed !== undefined) give(passed.watermark, passed.idle)
  }

  get size(): number {
    return this.#marks.length
  }

  snapshot(): readonly Mark[] {
    return [...this.#marks]
  }

  restore(marks: readonly Mark[]): void {
    this.#marks = [...marks]
  }
}
