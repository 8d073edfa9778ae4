/**
 * Records into one Parquet file, a row group at a time. Belongs to one subtask. Loaded with the first file that is written, because what
 * writes Parquet is large and most jobs do without.
 */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { RecordWriter, SinkWriteContext } from './define-sink.js'
import type { FileOutput } from './file-output.js'
import type { ParquetColumns } from './parquet-columns.js'
import { countNonFinite } from './to-json-lines.js'

/** A row group is written before its values take more than this. */
const ROW_GROUP_BYTES_MAX = 64 * 1024 * 1024

export class ParquetRecordWriter implements RecordWriter<unknown> {
  readonly #output: FileOutput
  readonly #columns: ParquetColumns
  readonly #rowGroupRecords: number
  readonly #context: SinkWriteContext
  readonly #bytes = new ByteWriter()
  #writer: ParquetWriter | undefined
  #counted = 0

  constructor(output: FileOutput, columns: ParquetColumns, rowGroupRecords: number, context: SinkWriteContext) {
    this.#output = output
    this.#columns = columns
    this.#rowGroupRecords = rowGroupRecords
    this.#context = context
  }

  write(records: readonly unknown[]): void | Promise<void> {
    const columns = this.#columns
    for (let index = 0; index < records.length; index++) {
      columns.add(records[index])
      if (columns.rows < this.#rowGroupRecords && columns.bytes < ROW_GROUP_BYTES_MAX) continue
      const rest = records.slice(index + 1)
      return this.#writeRowGroup().then(() => this.write(rest))
    }
    if (columns.nonFinite !== this.#counted) this.#counted = countNonFinite(this.#context, columns.nonFinite, this.#counted)
  }

  async finish(): Promise<void> {
    if (this.#columns.rows > 0) await this.#writeRowGroup()
    await this.#open().finish()
    await this.#drain()
    await this.#output.finish()
  }

  close(): Promise<void> {
    return this.#output.close()
  }

  async #writeRowGroup(): Promise<void> {
    const writer = this.#open()
    const rows = this.#columns.rows
    await writer.write({ columnData: this.#columns.take(), rowGroupSize: rows })
    await this.#drain()
  }

  /** The schema stands in the footer, but it is fixed with the first row group. */
  #open(): ParquetWriter {
    this.#writer ??= new ParquetWriter({ writer: this.#bytes, schema: this.#columns.schema(), createdBy: 'sluice' })
    return this.#writer
  }

  /** What was encoded goes to the file; positions count on. */
  async #drain(): Promise<void> {
    await this.#output.write(this.#bytes.getBytes())
    this.#bytes.index = 0
  }
}
