import { count, defineJob, generate, mapState, max, min, toJsonLines, tumbling, valueState } from 'sluice'
import { z } from 'zod'

const MINUTE = 60_000

/** Bikes report their battery, workshops what they repaired: windows per station, a join by time, and who fell silent. */
export default defineJob(
  { name: 'bikes', params: z.object({ reports: z.int().default(20_000), folder: z.string().default('bikes') }) },
  (job, { reports, folder }) => {
    const pings = job
      .source(
        'pings',
        generate((index) => ({ bike: `b${index % 7}`, station: `s${index % 3}`, at: index * 10_000, battery: 100 - (index % 97) }), {
          count: reports,
        }),
      )
      .filter((ping) => ping.battery > 20 && ping.battery % 7 !== 0)
      .withTimestamps((ping) => ping.at, { outOfOrderness: '1m' })

    const repairs = job
      .source(
        'repairs',
        generate((index) => ({ bike: `b${index % 7}`, at: index * 10 * MINUTE, part: index % 2 === 0 ? 'brake' : 'tyre' }), {
          count: Math.floor(reports / 60),
        }),
      )
      .withTimestamps((repair) => repair.at)

    // A window per station and hour.
    pings
      .keyBy((ping) => ping.station)
      .window(tumbling('1h'))
      .aggregate('hours', { pings: count(), lowest: min((ping) => ping.battery), highest: max((ping) => ping.battery) })
      .sink('out-hours', toJsonLines(`${folder}/hours.jsonl`))

    // What a bike reported in the ten minutes after a repair. State goes as event time passes.
    repairs
      .keyBy((repair) => repair.bike)
      .intervalJoin(
        'after-repair',
        pings.keyBy((ping) => ping.bike),
        (repair, ping) => ({ ...repair, battery: ping.battery, pingAt: ping.at }),
        { after: '10m' },
      )
      .sink('out-repaired', toJsonLines(`${folder}/repaired.jsonl`))

    // Who said nothing for four minutes. Reports of a bike come from several subtasks, in any order: a timer for each puts them in order of time.
    pings
      .keyBy((ping) => ping.bike)
      .process('silence', {
        state: { battery: mapState<number, number>(), last: valueState<number>() },
        onRecord(ping, context) {
          context.state.battery.set(ping.at, ping.battery)
          context.timers.eventTime.set(ping.at)
        },
        onTimer({ time }, context) {
          const { battery, last } = context.state
          const before = last.get() ?? time
          const now = battery.get(time)
          battery.delete(time)
          last.set(time)
          return time - before > 4 * MINUTE ? [{ bike: context.key, from: before, to: time, battery: now }] : []
        },
      })
      .sink('out-silent', toJsonLines(`${folder}/silent.jsonl`))
  },
)
