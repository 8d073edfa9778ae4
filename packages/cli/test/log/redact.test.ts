import { expect, test } from 'vitest'
import { Redactor } from '../../src/log/redact.js'

test('a secret is hidden wherever it turns up', () => {
  const redactor = new Redactor(['hunter22'])
  expect(redactor.text('GET https://x/?token=hunter22 failed')).toBe('GET https://x/?token=*** failed')
  expect(redactor.value({ url: 'a hunter22', list: ['hunter22', 1], deep: { key: { hunter22: true } } })).toEqual({
    url: 'a ***',
    list: ['***', 1],
    deep: { key: { '***': true } },
  })
})

test('a secret that is part of another does not show the rest of it', () => {
  expect(new Redactor(['abcd', 'abcd-efgh']).text('abcd-efgh abcd')).toBe('*** ***')
})

test('a secret is hidden in quoted text too', () => {
  expect(new Redactor(['a"b\nc']).text(`said ${JSON.stringify('a"b\nc')}`)).toBe('said "***"')
})

test('a short secret is hidden where it stands alone and leaves words alone', () => {
  const redactor = new Redactor(['in', ''])
  expect(redactor.text('in')).toBe('***')
  expect(redactor.text('inside')).toBe('inside')
})
