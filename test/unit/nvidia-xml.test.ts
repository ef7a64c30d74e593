/** What an XML file could do to its reader. */
import { expect, it } from 'vitest'
import { nvidiaSmiXml } from '../../collectors/forms/nvidia-smi-xml'
import { readXml } from '../../collectors/nvidia/xml'

it('does not expand entities that a document defines', () => {
  const bomb = '<!DOCTYPE nvidia_smi_log [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
  expect(readXml(`${bomb}<nvidia_smi_log>&b;</nvidia_smi_log>`).root.children).toEqual([])
})

it('stops at a depth that no driver prints', () => {
  expect(() => readXml('<a>'.repeat(200_000))).not.toThrow()
})

it('keeps what stands before a cut', () => {
  const text = '<nvidia_smi_log><gpu><product_name>NVIDIA A30</product_name><uuid>GPU-5eed'
  expect(nvidiaSmiXml.parse(text)?.records).toMatchObject([{ kind: 'gpu', name: 'NVIDIA A30' }])
})
