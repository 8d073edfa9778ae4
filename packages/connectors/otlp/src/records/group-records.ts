/** Records by what they came from, as requests are laid out: resource by resource, and within one scope by scope. Records keep their order within a scope. */
import type { FromResource } from './resource.js'

export interface ResourceGroup<T> {
  readonly resource: string
  readonly scopes: ScopeGroup<T>[]
}

export interface ScopeGroup<T> {
  readonly scope: string
  readonly records: T[]
}

export function groupRecords<T extends FromResource>(records: readonly T[]): Iterable<ResourceGroup<T>> {
  const groups = new Map<string, ResourceGroup<T>>()
  let group: ResourceGroup<T> | undefined
  let scopeGroup: ScopeGroup<T> | undefined
  for (const record of records) {
    const { resource, scope } = record
    if (group === undefined || group.resource !== resource) {
      group = groups.get(resource)
      if (group === undefined) {
        group = { resource, scopes: [] }
        groups.set(resource, group)
      }
      scopeGroup = undefined
    }
    if (scopeGroup === undefined || scopeGroup.scope !== scope) {
      scopeGroup = group.scopes.find((known) => known.scope === scope)
      if (scopeGroup === undefined) {
        scopeGroup = { scope, records: [] }
        group.scopes.push(scopeGroup)
      }
    }
    scopeGroup.records.push(record)
  }
  return groups.values()
}
