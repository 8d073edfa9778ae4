import { count, defineJob, fromParquet, max, mean, print, toJsonLines } from 'sluice'
import { z } from 'zod'

const Flight = z.object({
  date: z.date(),
  delay: z.int(),
  distance: z.int(),
  origin: z.string(),
  destination: z.string(),
})

/** Delays per origin airport, from three million real flights; ends with the airports that are late the most. */
export default defineJob(
  {
    name: 'flights',
    params: z.object({
      input: z.string().describe('the flights, a Parquet file'),
      output: z.string().default('airports.jsonl').describe('where the statistics of every airport go'),
      top: z.int().positive().default(10).describe('rows of the table'),
    }),
  },
  (job, { input, output, top }) => {
    const airports = job
      .source('flights', fromParquet(input, { schema: Flight }))
      .filter((flight) => flight.distance > 0 && flight.delay > -120, { name: 'clean' })
      .keyBy((flight) => flight.origin)
      .aggregate(
        'airports',
        { flights: count(), meanDelay: mean((flight) => flight.delay), worst: max((flight) => flight.delay) },
        { emit: 'end' },
      )

    airports.sink('out', toJsonLines(output))

    airports
      .filter((airport) => airport.flights >= 1000, { name: 'large' })
      .map(({ key, flights, meanDelay, worst }) => ({
        airport: key,
        flights,
        meanDelayMin: Math.round(meanDelay * 10) / 10,
        worstMin: worst,
      }))
      .sink('most delayed', print({ format: 'table', compare: (left, right) => right.meanDelayMin - left.meanDelayMin, limit: top }))
  },
)
