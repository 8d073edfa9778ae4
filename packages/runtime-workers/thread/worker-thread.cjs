/**
 * The file of each worker thread. Piscina loads it by require, and a thread that is terminated while require(esm) links modules takes the whole process with
 * it in Node 20 ("FATAL ERROR: v8::Module::IsGraphAsync"); import() is not affected. So what is required is this file alone, and the worker is imported:
 * piscina waits for what is promised before the thread is ready.
 */
module.exports = import('../dist/joined/worker-entry.js').then(({ default: runWorker }) => runWorker)
