/** What `min` and `max` can order: numbers, bigints, strings by code units, Dates by time. */
export type Comparable = number | bigint | string | Date
