/** Figures that nobody else can take: what happens to a job of Sluice, without a peer. */
import type { Figure, Measurement, MeasureOptions } from '../harness/figure.js'

export type Described = Omit<Figure, 'id' | 'contenders' | 'section'> & { readonly id: string }

/** A figure of a section, with one contender. */
export function sluiceFigure(
  section: NonNullable<Figure['section']>,
  { id, ...described }: Described,
  measure: (options: MeasureOptions) => Promise<Measurement>,
): Figure {
  return { ...described, id: `${section}/${id}`, section, contenders: [{ id: 'sluice', label: 'Sluice', role: 'sluice', measure }] }
}
