/**
 * The entries of one map of state. As long as they are few and their keys are primitives they lie flat in one array, [key, value, ...] or
 * [key, value, expiry, ...]; later in Maps by canonical key. Plain data in both forms; both keep the order of insertion.
 */
import { canonicalKey } from '@sluice/engine'

type Canonical = ReturnType<typeof canonicalKey>

/** `keys` has the keys that are not their own canonical form; `expiries` is in the order of the last touch. */
export interface LargeEntries {
  readonly values: Map<Canonical, unknown>
  readonly keys: Map<Canonical, unknown>
  readonly expiries: Map<Canonical, number>
}

export type Entries = unknown[] | LargeEntries

const FLAT_ENTRIES_MAX = 8

const isFlat = (entries: Entries): entries is unknown[] => Array.isArray(entries)

/** Index of a key in flat entries, -1: it is not there. Fails with `SLUICE_KEY_INVALID`. */
function findFlat(entries: readonly unknown[], key: unknown, stride: number): number {
  for (let at = 0; at < entries.length; at += stride) if (entries[at] === key) return at
  checkKey(key)
  return -1
}

/** Fails with `SLUICE_KEY_INVALID` for what can be no key, where its canonical form is not asked for. */
export function checkKey(key: unknown): void {
  if (typeof key !== 'string') canonicalKey(key)
}

/** The value of a key; undefined where there is none. */
export function readEntry(entries: Entries, key: unknown, stride: number): unknown {
  if (!isFlat(entries)) return entries.values.get(canonicalKey(key))
  const at = findFlat(entries, key, stride)
  return at < 0 ? undefined : entries[at + 1]
}

export function hasEntry(entries: Entries, key: unknown, stride: number): boolean {
  return isFlat(entries) ? findFlat(entries, key, stride) >= 0 : entries.values.has(canonicalKey(key))
}

/** Sets an entry; gives back the entries, which may have taken their other form. `expiry` is kept where the stride is 3. */
export function writeEntry(entries: Entries | undefined, key: unknown, value: unknown, stride: number, expiry: number): Entries {
  if (entries === undefined && canonicalKey(key) === key)
    return stride === 3 ? [key === 0 ? 0 : key, value, expiry] : [key === 0 ? 0 : key, value]
  let into = entries ?? []
  if (isFlat(into)) {
    const at = findFlat(into, key, stride)
    if (at >= 0) {
      into[at + 1] = value
      if (stride === 3) into[at + 2] = expiry
      return into
    }
    const canonical = canonicalKey(key)
    // A fresh array has room for what is in it; one that grows by itself takes room for sixteen more.
    if (canonical === key && into.length < FLAT_ENTRIES_MAX * stride)
      return into.concat(stride === 3 ? [canonical, value, expiry] : [canonical, value])
    into = enlarge(into, stride)
  }
  const canonical = canonicalKey(key)
  into.values.set(canonical, value)
  if (canonical !== key && !into.keys.has(canonical)) into.keys.set(canonical, key)
  if (stride === 3) touchLarge(into, canonical, expiry)
  return into
}

/** When an entry expires; undefined where it is not there. */
export function expiryOf(entries: Entries, key: unknown): number | undefined {
  if (!isFlat(entries)) return entries.expiries.get(canonicalKey(key))
  const at = findFlat(entries, key, 3)
  return at < 0 ? undefined : (entries[at + 2] as number)
}

/** Moves the expiry of an entry that is there. */
export function touchEntry(entries: Entries, key: unknown, expiry: number): void {
  if (isFlat(entries)) entries[findFlat(entries, key, 3) + 2] = expiry
  else touchLarge(entries, canonicalKey(key), expiry)
}

export function deleteEntry(entries: Entries, key: unknown, stride: number): void {
  if (isFlat(entries)) {
    const at = findFlat(entries, key, stride)
    if (at < 0) return
    entries.copyWithin(at, at + stride)
    entries.length -= stride
  } else deleteLarge(entries, canonicalKey(key))
}

export function countEntries(entries: Entries, stride: number): number {
  return isFlat(entries) ? entries.length / stride : entries.values.size
}

export function keysOf(entries: Entries, stride: number): unknown[] {
  if (isFlat(entries)) return pick(entries, 0, stride)
  const { keys } = entries
  return Array.from(entries.values.keys(), (canonical) => (keys.has(canonical) ? keys.get(canonical) : canonical))
}

export function valuesOf(entries: Entries, stride: number): unknown[] {
  return isFlat(entries) ? pick(entries, 1, stride) : [...entries.values.values()]
}

/**
 * Gives up what has expired. The Maps are gone through in the order of the last touch: all of them, or only until an entry is met that has not
 * expired, and then `max` of them at most.
 */
export function expireEntries(entries: Entries, now: number, all: boolean, max: number): boolean {
  return isFlat(entries) ? expireFlat(entries, now) : expireLarge(entries, now, all, max)
}

function expireFlat(entries: unknown[], now: number): boolean {
  let kept = 0
  for (let at = 0; at < entries.length; at += 3) {
    if (now >= (entries[at + 2] as number)) continue
    if (kept < at) entries.copyWithin(kept, at, at + 3)
    kept += 3
  }
  if (kept === entries.length) return false
  entries.length = kept
  return true
}

function expireLarge(entries: LargeEntries, now: number, all: boolean, max: number): boolean {
  let expired = 0
  for (const [canonical, expiry] of entries.expiries) {
    if (expired === max) break
    if (now >= expiry) {
      deleteLarge(entries, canonical)
      expired++
    } else if (!all) break
  }
  return expired > 0
}

/** The same entries with expiries or without; all expire at the same time. */
export function restride(entries: Entries, from: number, to: number, expiry: number): Entries {
  if (!isFlat(entries)) {
    const expiries = new Map(to === 3 ? Array.from(entries.values.keys(), (canonical): [Canonical, number] => [canonical, expiry]) : [])
    return { ...entries, expiries }
  }
  const flat: unknown[] = []
  for (let at = 0; at < entries.length; at += from) {
    flat.push(entries[at], entries[at + 1])
    if (to === 3) flat.push(expiry)
  }
  return flat
}

function enlarge(flat: readonly unknown[], stride: number): LargeEntries {
  const large: LargeEntries = { values: new Map(), keys: new Map(), expiries: new Map() }
  for (let at = 0; at < flat.length; at += stride) large.values.set(flat[at] as Canonical, flat[at + 1])
  if (stride < 3) return large
  const expiries = pick(flat, 0, stride).map((key, at): [Canonical, number] => [key as Canonical, flat[at * stride + 2] as number])
  for (const [canonical, expiry] of expiries.toSorted((left, right) => left[1] - right[1])) large.expiries.set(canonical, expiry)
  return large
}

function touchLarge({ expiries }: LargeEntries, canonical: Canonical, expiry: number): void {
  expiries.delete(canonical)
  expiries.set(canonical, expiry)
}

function deleteLarge(entries: LargeEntries, canonical: Canonical): void {
  entries.values.delete(canonical)
  entries.keys.delete(canonical)
  entries.expiries.delete(canonical)
}

function pick(flat: readonly unknown[], offset: number, stride: number): unknown[] {
  const picked: unknown[] = []
  for (let at = offset; at < flat.length; at += stride) picked.push(flat[at])
  return picked
}
