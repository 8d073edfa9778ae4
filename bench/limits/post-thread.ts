/** Entry of a thread that posts or receives batches. */
import { workerData } from 'node:worker_threads'
import { type PostLoopData, postBuffers, postObjects, receiveBuffers, receiveObjects } from './post-loop.js'

const data = workerData as PostLoopData
const roles = {
  objects: { producer: postObjects, consumer: receiveObjects },
  buffers: { producer: postBuffers, consumer: receiveBuffers },
}
roles[data.style][data.role](data)
