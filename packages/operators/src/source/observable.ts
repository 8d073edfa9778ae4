/** The protocol of observables, as far as it is asked for: whoever has `subscribe` is one. */

/** What is called when an observable has something to say. */
export interface ObserverLike<T> {
  next(value: T): void
  error(error: unknown): void
  complete(): void
}

/** What has `subscribe`: an observable of RxJS or of any other library; it gives back what ends the subscription. */
export interface ObservableLike<T> {
  subscribe(observer: ObserverLike<T>): { unsubscribe(): void } | (() => void)
  /** Never called: where it is there, the compiler finds the type of the values in it. */
  forEach?(next: (value: T) => void): unknown
}

/** What happens when the buffer is full; `drop-newest`, `drop-oldest` and `latest` lose values. */
export type ObservableOverflow = 'fail' | 'drop-newest' | 'drop-oldest' | 'latest'
