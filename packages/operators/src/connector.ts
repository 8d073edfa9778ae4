/** What connectors are built of, beside the public API: sources and sinks that bear the connector's own name in messages, the checks of their options, and the requests of sinks. */
export { parseRetryAfter, post, type PostAnswer, requestHeaders } from './call/post.js'
export { httpSource } from './ingress/from-http.js'
export { batchSink } from './sink/for-each-batch.js'
export { checkOptions } from './options/check-options.js'
