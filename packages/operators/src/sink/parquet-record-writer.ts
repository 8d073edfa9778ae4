/**
 * Records into Parquet files, a row group at a time. Belongs to one subtask. Loaded with the first file that is written, because what
 * writes Parquet is large and most jobs do without.
 *
 * A checkpoint ends a row group. In a folder it ends the file too. In a single file the row groups that came since the checkpoint before are
 * described by a block between them, which no reader of Parquet sees, and which tells where the block before it lies: with them a file that is
 * cut back is continued, and what a checkpoint holds does not grow with the file.
 */
import { deserialize, serialize } from 'node:v8'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { SinkWriteContext } from './define-sink.js'
import type { FileOutput } from './file-output.js'
import { FileRecordWriter } from './file-record-writer.js'
import type { ParquetColumns, ParquetColumnsState } from './parquet-columns.js'
import { countNonFinite } from './to-json-lines.js'

/** A row group is written before its values take more than this. */
const ROW_GROUP_BYTES_MAX = 64 * 1024 * 1024

/** What is needed to go on with a file. */
interface ParquetResume {
  /** The block that describes the last row groups; undefined: there are none. */
  readonly block: BlockPosition | undefined
  readonly columns: ParquetColumnsState
}

interface BlockPosition {
  readonly offset: number
  readonly bytes: number
}

interface Block {
  readonly before: BlockPosition | undefined
  readonly groups: ParquetWriter['row_groups']
  readonly indexes: ParquetWriter['pendingIndexes']
}

export class ParquetRecordWriter extends FileRecordWriter {
  readonly #columns: ParquetColumns
  readonly #rowGroupRecords: number
  readonly #context: SinkWriteContext
  readonly #bytes = new ByteWriter()
  #writer: ParquetWriter | undefined
  #block: BlockPosition | undefined
  /** Row groups and indexes that a block describes. */
  #groupsDescribed = 0
  #indexesDescribed = 0
  #finished = false
  /** Records that cannot be written are left out. */
  readonly #lenient: boolean
  #counted = 0

  /** Goes on with a file where a checkpoint is restored. */
  static async open(
    output: FileOutput,
    columns: ParquetColumns,
    rowGroupRecords: number,
    context: SinkWriteContext,
    lenient: boolean,
  ): Promise<ParquetRecordWriter> {
    const writer = new ParquetRecordWriter(output, columns, rowGroupRecords, context, lenient)
    const resume = output.resume as ParquetResume | undefined
    if (resume !== undefined) await writer.#goOn(resume)
    return writer
  }

  private constructor(output: FileOutput, columns: ParquetColumns, rowGroupRecords: number, context: SinkWriteContext, lenient: boolean) {
    super(output)
    this.#lenient = lenient
    this.#columns = columns
    this.#rowGroupRecords = rowGroupRecords
    this.#context = context
  }

  override write(records: readonly unknown[]): void | Promise<void> {
    const columns = this.#columns
    for (let index = 0; index < records.length; index++) {
      if (this.#lenient) this.#add(records[index])
      else columns.add(records[index])
      if (columns.rows < this.#rowGroupRecords && columns.bytes < ROW_GROUP_BYTES_MAX) continue
      this.#writeRowGroup()
      const rest = records.slice(index + 1)
      return this.output.written().then(() => this.write(rest))
    }
    if (columns.nonFinite !== this.#counted) this.#counted = countNonFinite(this.#context, columns.nonFinite, this.#counted)
  }

  #add(record: unknown): void {
    try {
      this.#columns.add(record)
    } catch (error) {
      this.#context.deadLetter(record, error)
    }
  }

  override onDeadline(): void {}

  override prepare(checkpoint: number): unknown {
    if (this.#columns.rows > 0) this.#writeRowGroup()
    if (this.output.rolls) {
      if (this.#writer !== undefined) this.#writeFooter(this.#writer)
      this.#writer = undefined
      this.#columns.beginFile()
      return this.output.prepare(checkpoint)
    }
    this.#describe()
    const resume: ParquetResume = { block: this.#block, columns: this.#columns.state() }
    return this.output.prepare(checkpoint, resume)
  }

  override async finish(): Promise<void> {
    // A part without rows is not made; what is open ends with the last checkpoint.
    if (!this.output.rolls && !this.output.complete) {
      if (this.#columns.rows > 0) this.#writeRowGroup()
      this.#writeFooter(this.#open())
    }
    this.#finished = true
    await this.output.finish()
  }

  #writeRowGroup(): void {
    const writer = this.#open()
    const rows = this.#columns.rows
    void writer.write({ columnData: this.#columns.take(), rowGroupSize: rows })
    this.#drain()
  }

  #writeFooter(writer: ParquetWriter): void {
    void writer.finish()
    this.#drain()
  }

  /** The schema stands in the footer, but it is fixed with the first row group. */
  #open(): ParquetWriter {
    if (this.#writer === undefined) {
      this.#bytes.offset = 0
      this.#writer = new ParquetWriter({ writer: this.#bytes, schema: this.#columns.schema(), createdBy: 'sluice' })
    }
    return this.#writer
  }

  /** What was encoded goes to the file; positions count on. */
  #drain(): void {
    this.output.add(this.#bytes.getBytes().slice())
    this.#bytes.index = 0
  }

  /** Puts down the row groups that came since the last block. */
  #describe(): void {
    const writer = this.#writer
    if (this.#finished || writer === undefined || writer.row_groups.length === this.#groupsDescribed) return
    const block: Block = {
      before: this.#block,
      groups: writer.row_groups.slice(this.#groupsDescribed),
      indexes: writer.pendingIndexes.slice(this.#indexesDescribed),
    }
    const bytes = serialize(block)
    this.#block = { offset: this.#bytes.offset, bytes: bytes.length }
    this.#groupsDescribed = writer.row_groups.length
    this.#indexesDescribed = writer.pendingIndexes.length
    this.#bytes.appendBytes(bytes)
    this.#drain()
  }

  async #goOn({ block, columns }: ParquetResume): Promise<void> {
    this.#columns.restore(columns)
    if (block === undefined) return
    const groups: ParquetWriter['row_groups'] = []
    const indexes: ParquetWriter['pendingIndexes'] = []
    for (let position: BlockPosition | undefined = block; position !== undefined; ) {
      const read: Block = deserialize(await this.output.read(position.offset, position.bytes))
      groups.unshift(...read.groups)
      indexes.unshift(...read.indexes)
      position = read.before
    }
    const writer = this.#open()
    writer.row_groups = groups
    writer.pendingIndexes = indexes
    for (const group of groups) writer.num_rows += group.num_rows
    this.#block = block
    this.#groupsDescribed = groups.length
    this.#indexesDescribed = indexes.length
    // The file has its beginning already.
    this.#bytes.index = 0
    this.#bytes.offset = this.output.bytes
  }
}
