/**
 * The queries as batch SQL over all events: tables `person`, `auction` and `bid` with the columns of the event model and `number`, and `side`.
 * The end of the input has closed every window.
 */
import type { ComparedQuery } from '../queries/result-columns.js'

const DAY = `strftime(make_timestamp(dateTime * 1000), '%Y-%m-%d')`
const RANKS = ['price < 10000', 'price >= 10000 AND price < 1000000', 'price >= 1000000'] as const

function ranked(name: string, value: string): string {
  const parts = RANKS.map((rank, index) => `count(${value}) FILTER (${rank}) AS ${name}${index + 1}`)
  return [`count(${value}) AS ${name}`, ...parts].join(', ')
}

const RANKED_BIDS = ranked('bids', '*')
const RANKED_DISTINCT = `${ranked('bidders', 'DISTINCT bidder')}, ${ranked('auctions', 'DISTINCT auction')}`
const AUCTION = `a.itemName, a.description, a.initialBid, a.reserve, a.dateTime, a.expires, a.seller, a.category, a.extra`

export const oracleQueries: { readonly [Q in ComparedQuery]: string } = {
  q0: `SELECT auction, bidder, price, dateTime, extra FROM bid`,

  q1: `SELECT auction, bidder, 908 * price::BIGINT AS price, dateTime, extra FROM bid`,

  q2: `SELECT auction, price FROM bid WHERE auction % 123 = 0`,

  q3: `SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON a.seller = p.id
    WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')`,

  q4: `WITH final AS (
      SELECT a.id, a.category, max(b.price) AS price FROM auction a JOIN bid b ON a.id = b.auction
      WHERE b.dateTime BETWEEN a.dateTime AND a.expires GROUP BY a.id, a.category
    )
    SELECT category, avg(price) AS meanPrice FROM final GROUP BY category`,

  q5: `WITH counts AS (
      SELECT windowStart, auction, count(*) AS bids FROM (
        SELECT auction, unnest(generate_series(dateTime // 2000 * 2000 - 8000, dateTime // 2000 * 2000, 2000)) AS windowStart FROM bid
      ) GROUP BY windowStart, auction
    )
    SELECT windowStart, auction, bids FROM counts QUALIFY bids = max(bids) OVER (PARTITION BY windowStart)`,

  q6: `WITH valid AS (
      SELECT a.id, a.seller, a.expires, max(b.price) AS price FROM auction a JOIN bid b ON a.id = b.auction
      WHERE b.price >= a.reserve AND b.dateTime < a.expires GROUP BY a.id, a.seller, a.expires
    ), recent AS (
      SELECT seller, price FROM valid QUALIFY row_number() OVER (PARTITION BY seller ORDER BY expires DESC, id DESC) <= 10
    )
    SELECT seller, (2 * sum(price) + count(*)) // (2 * count(*)) AS meanPrice FROM recent GROUP BY seller`,

  q7: `SELECT auction, bidder, price, dateTime, extra FROM bid QUALIFY price = max(price) OVER (PARTITION BY dateTime // 10000)`,

  q8: `SELECT DISTINCT p.id, p.name, p.dateTime // 10000 * 10000 AS windowStart
    FROM person p JOIN auction a ON a.seller = p.id AND a.dateTime // 10000 = p.dateTime // 10000`,

  q9: `SELECT a.id, ${AUCTION}, b.bidder, b.price, b.dateTime AS bidDateTime, b.extra AS bidExtra
    FROM auction a JOIN bid b ON a.id = b.auction
    WHERE b.dateTime BETWEEN a.dateTime AND a.expires
    QUALIFY row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.dateTime, b.number) = 1`,

  q11: `WITH gaps AS (
      SELECT bidder, dateTime, dateTime - lag(dateTime) OVER (PARTITION BY bidder ORDER BY dateTime) AS gap FROM bid
    ), sessions AS (
      SELECT bidder, dateTime, count(*) FILTER (gap >= 10000)
        OVER (PARTITION BY bidder ORDER BY dateTime RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS session FROM gaps
    )
    SELECT bidder, count(*) AS bids, min(dateTime) AS start, max(dateTime) + 10000 AS "end" FROM sessions GROUP BY bidder, session`,

  q13: `SELECT b.auction, b.bidder, b.price, b.dateTime, s.value FROM bid b JOIN side s ON b.auction % 10000 = s.key`,

  q14: `SELECT auction, bidder, 908 * price::BIGINT AS price, dateTime, extra,
      CASE WHEN dateTime // 3600000 % 24 BETWEEN 8 AND 18 THEN 'dayTime'
        WHEN dateTime // 3600000 % 24 <= 6 OR dateTime // 3600000 % 24 >= 20 THEN 'nightTime' ELSE 'otherTime' END AS timeType,
      length(extra) - length(replace(extra, 'c', '')) AS letters
    FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000`,

  q15: `SELECT ${DAY} AS day, ${RANKED_BIDS}, ${RANKED_DISTINCT} FROM bid GROUP BY day`,

  q16: `SELECT channel, ${DAY} AS day, strftime(make_timestamp(max(dateTime) * 1000), '%H:%M') AS minute, ${RANKED_BIDS}, ${RANKED_DISTINCT}
    FROM bid GROUP BY channel, day`,

  q17: `SELECT auction, ${DAY} AS day, ${RANKED_BIDS}, min(price) AS minPrice, max(price) AS maxPrice, avg(price) AS meanPrice,
      sum(price)::BIGINT AS sumPrice
    FROM bid GROUP BY auction, day`,

  q18: `SELECT auction, bidder, price, channel, url, dateTime, extra FROM bid
    QUALIFY row_number() OVER (PARTITION BY bidder, auction ORDER BY dateTime DESC, number) = 1`,

  q19: `SELECT row_number() OVER (PARTITION BY auction ORDER BY price DESC, number) AS rank,
      auction, bidder, price, channel, url, dateTime, extra
    FROM bid QUALIFY rank <= 10`,

  q20: `SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.dateTime AS bidDateTime, b.extra AS bidExtra, ${AUCTION}
    FROM bid b JOIN auction a ON b.auction = a.id WHERE a.category = 10`,

  q21: `WITH identified AS (
      SELECT auction, bidder, price, channel, CASE lower(channel)
        WHEN 'google' THEN '0' WHEN 'facebook' THEN '1' WHEN 'baidu' THEN '2' WHEN 'apple' THEN '3'
        ELSE regexp_extract(url, '(&|^)channel_id=([^&]*)', 2) END AS channelId
      FROM bid
    )
    SELECT * FROM identified WHERE channelId <> ''`,

  q22: `SELECT auction, bidder, price, channel, split_part(url, '/', 4) AS dir1, split_part(url, '/', 5) AS dir2, split_part(url, '/', 6) AS dir3
    FROM bid`,

  q23: `SELECT b.auction, b.bidder, b.price, b.dateTime, p.name, p.city, p.state, a.id AS sold, a.itemName, a.category
    FROM bid b JOIN person p ON b.bidder = p.id JOIN auction a ON a.seller = b.bidder`,
}
