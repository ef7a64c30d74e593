/** `dcgmi dmon -e FIELD,…`: one line for each entity and sample, under a heading of short field names. */
import { DCGM_RULES, isBlank } from '../../wire/exporters/dcgm'
import type { Group } from '../../wire/exporters/exporter'
import type { WireRecord } from '../../wire/records'
import { Batch } from '../../wire/table'
import { textForm, type FileReading } from '../form'
import { linesOf } from '../prometheus/page'

/** DCGM's fields by the short names of the heading (their tags in dcgm_fields.c). Units are those of the fields. */
const FIELDS: Readonly<Record<string, string>> = {
  GPUTL: 'DCGM_FI_DEV_GPU_UTIL',
  GRACT: 'DCGM_FI_PROF_GR_ENGINE_ACTIVE',
  MCUTL: 'DCGM_FI_DEV_MEM_COPY_UTIL',
  FBUSD: 'DCGM_FI_DEV_FB_USED',
  FBTTL: 'DCGM_FI_DEV_FB_TOTAL',
  POWER: 'DCGM_FI_DEV_POWER_USAGE',
  EPLMT: 'DCGM_FI_DEV_ENFORCED_POWER_LIMIT',
  PMLMT: 'DCGM_FI_DEV_POWER_MGMT_LIMIT',
  TMPTR: 'DCGM_FI_DEV_GPU_TEMP',
  MMTMP: 'DCGM_FI_DEV_MEMORY_TEMP',
  SMCLK: 'DCGM_FI_DEV_SM_CLOCK',
  SMMAX: 'DCGM_FI_DEV_MAX_SM_CLOCK',
  MMCLK: 'DCGM_FI_DEV_MEM_CLOCK',
  DVCCTR: 'DCGM_FI_DEV_CLOCK_THROTTLE_REASONS',
  TENSO: 'DCGM_FI_PROF_PIPE_TENSOR_ACTIVE',
  SMACT: 'DCGM_FI_PROF_SM_ACTIVE',
  DRAMA: 'DCGM_FI_PROF_DRAM_ACTIVE',
  NVLTX: 'DCGM_FI_PROF_NVLINK_TX_BYTES',
  NVLRX: 'DCGM_FI_PROF_NVLINK_RX_BYTES',
  PCITX: 'DCGM_FI_PROF_PCIE_TX_BYTES',
  PCIRX: 'DCGM_FI_PROF_PCIE_RX_BYTES',
  ESVTL: 'DCGM_FI_DEV_ECC_SBE_VOL_TOTAL',
  EDVTL: 'DCGM_FI_DEV_ECC_DBE_VOL_TOTAL',
}
const MAX_LINE = 4096

/** Short names under `# Entity`; undefined where the line is no such heading. Each is DCGM's: capitals and digits. */
function headingOf(line: string): readonly string[] | undefined {
  if (line.length > MAX_LINE || !/^#\s*Entity\s/.test(line)) return undefined
  const names = line
    .slice(line.indexOf('Entity') + 'Entity'.length)
    .trim()
    .split(/\s+/)
  return names.every(name => /^[A-Z0-9_#]{2,12}$/.test(name)) ? names : undefined
}

/**
 * The record of a line; undefined where it is none. An instance (`GPU-I 3`) is numbered over all devices, and of which device
 * it is the line does not say.
 */
function recordOf(line: string, heading: readonly string[]): WireRecord | undefined {
  const entity = /^(GPU(?:-C?I)?)\s+(\d{1,6})\s+/.exec(line.slice(0, MAX_LINE))
  if (entity === null) return undefined
  const [start, what, number] = entity
  const cells = line.slice(start.length).trim().split(/\s+/)
  if (cells.length !== heading.length) return undefined
  const group: Group = { fields: {}, figures: new Map() }
  for (const [at, cell] of cells.entries()) {
    const name = FIELDS[heading[at] ?? ''] ?? ''
    const value = /^-?\d{1,20}(?:\.\d{1,20})?$/.test(cell) ? Number(cell) : NaN
    if (Number.isFinite(value) && !isBlank(value)) DCGM_RULES[name]?.(group, { name, labels: {}, value })
  }
  const device = what === 'GPU' ? { index: Number(number) } : { instance: `${what} ${number}` }
  return { kind: 'gpu', vendor: 'nvidia', source: 'dcgmi', ...device, ...group.fields } as WireRecord
}

function parse(text: string): FileReading | undefined {
  const batch = new Batch()
  const reading: FileReading = { records: [], linesRead: 0, linesUnread: 0 }
  let heading: readonly string[] | undefined
  for (const raw of linesOf(text)) {
    const line = raw.trim()
    const found = headingOf(line)
    heading = found ?? heading
    const record = heading === undefined ? undefined : recordOf(line, heading)
    if (record !== undefined) batch.add(record)
    if (found !== undefined || record !== undefined || (heading !== undefined && /^id$/i.test(line)))
      reading.linesRead += 1
    else reading.linesUnread += 1
  }
  if (heading === undefined) return undefined
  reading.records = batch.records()
  return reading
}

export const dcgmiDmon = textForm({
  name: 'dcgmi-dmon',
  tool: 'dcgmi',
  help: 'one line for each device and sample of `dcgmi dmon`: tensor, SM and memory activity among them',
  origin: 'https://docs.nvidia.com/datacenter/dcgm/latest/user-guide/feature-overview.html',
  begins: /#\s?Entity\s/,
  parse,
})
