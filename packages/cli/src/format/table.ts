/** Plain-text tables: aligned columns, a header, no borders. Widths are counted without colour codes. Pure. */

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right' | undefined
}

// Colour sequences only: nothing else that moves the cursor is ever put into a cell.
const colourCodes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')

/** The printed width of a text. */
function textWidth(text: string): number {
  return text.replace(colourCodes, '').length
}

export function padTo(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)))
  return align === 'left' ? text + space : space + text
}

/** Lines of the table without a trailing newline; `styleHeader` colours the header line. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  styleHeader: (header: string) => string = (header) => header,
): string {
  const widths = columns.map((column, index) => Math.max(textWidth(column.title), ...rows.map((row) => textWidth(row[index] ?? ''))))
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, index) => padTo(cells[index] ?? '', widths[index] ?? 0, column.align))
      .join('  ')
      .trimEnd()
  return [styleHeader(line(columns.map((column) => column.title))), ...rows.map(line)].join('\n')
}
