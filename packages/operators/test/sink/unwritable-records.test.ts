/** Records that a file cannot hold: left out where the sink says so, and everything else is written as if they had not been there. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetReadObjects } from 'hyparquet'
import { afterAll, describe, expect, it } from 'vitest'
import { toCsv, toJsonLines, toParquet } from '../../src/index.js'
import { sinkContext, writeSink } from './write-sink.js'

const folder = mkdtempSync(join(tmpdir(), 'unwritable-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const path = (): string => join(folder, String(files++))

const good = (id: number): object => ({ id, amount: id / 2 })
/** By what cannot hold it: JSON a map, CSV and Parquet another column, Parquet another type. */
const bad = { map: { id: 3, amount: new Map() }, column: { id: 3, amount: 1, tip: 2 }, type: { id: 3, amount: 'much' }, text: 'no row' }

describe('a record that cannot be written', () => {
  it('is left out of JSON lines', async () => {
    const file = path()
    const context = sinkContext()
    await writeSink(toJsonLines(file, { onError: 'deadLetter' }), [good(1), bad.map, good(2)], context)
    expect(readFileSync(file, 'utf8')).toBe('{"id":1,"amount":0.5}\n{"id":2,"amount":1}\n')
    expect(context.letters).toEqual([{ record: bad.map, error: expect.objectContaining({ code: 'SLUICE_JSON_UNSUPPORTED' }) as unknown }])
  })

  it('is left out of CSV, also in front of the first row, which names the columns', async () => {
    const file = path()
    const context = sinkContext()
    await writeSink(toCsv<object>(file, { onError: 'drop' }), [bad.text, good(1), bad.column, bad.map, good(2)], context)
    expect(readFileSync(file, 'utf8')).toBe('id,amount\n1,0.5\n2,1\n')
    expect(context.letters.map(({ record }) => record)).toEqual([bad.text, bad.column, bad.map])
  })

  it('is left out of Parquet as a whole, whichever of its values does not fit', async () => {
    const file = path()
    const context = sinkContext()
    const columns = { id: 'double', amount: 'double' } as const
    await writeSink(toParquet<object>(file, { columns, onError: 'deadLetter' }), [good(1), bad.type, bad.column, good(2)], context)
    const bytes = readFileSync(file)
    const rows = await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) })
    expect(rows).toEqual([good(1), good(2)])
    expect(context.letters.map(({ record }) => record)).toEqual([bad.type, bad.column])
  })

  it('fails the job otherwise', async () => {
    await expect(writeSink(toJsonLines(path()), [bad.map])).rejects.toMatchObject({ code: 'SLUICE_JSON_UNSUPPORTED' })
    const context = sinkContext()
    await expect(writeSink(toCsv<object>(path(), { onError: 'fail' }), [good(1), bad.column], context)).rejects.toMatchObject({
      code: 'SLUICE_SINK_FAILED',
    })
    expect(context.letters).toEqual([])
  })

  it('needs a policy that there is', () => {
    expect(() => toJsonLines(path(), { onError: 'skip' as never })).toThrow("onError is 'skip', and takes")
  })
})
