/** How long the other side may take to let go when the job has failed. */

/** A function whose stream has failed, a web stream that is aborted, an observer that is told of a failure: behind it they are left alone. */
const RELEASE_MS_MAX = 1_000

/** Settles with `releasing`, or when that takes too long; what it fails with then is nobody's any more. */
export async function released(releasing: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, RELEASE_MS_MAX)
  })
  try {
    await Promise.race([releasing, tooLong])
  } finally {
    clearTimeout(timer)
  }
}
