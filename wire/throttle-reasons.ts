/**
 * Bits of NVML's clocks event reasons (throttle reasons in older drivers), by the names that nvidia-smi gives them:
 * https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html. DCGM and exporters pass the same mask on.
 */
export const REASONS: readonly (readonly [bit: number, name: string])[] = [
  [0x1, 'gpu_idle'],
  [0x2, 'applications_clocks_setting'],
  [0x4, 'sw_power_cap'],
  [0x8, 'hw_slowdown'],
  [0x10, 'sync_boost'],
  [0x20, 'sw_thermal_slowdown'],
  [0x40, 'hw_thermal_slowdown'],
  [0x80, 'hw_power_brake_slowdown'],
  [0x100, 'display_clock_setting'],
]

/** Names of the bits that are set; a bit without a name is given in hexadecimal. */
export function reasonsOf(mask: number): string[] {
  const has = (bit: number) => Math.floor(mask / bit) % 2 === 1
  const names: string[] = REASONS.filter(([bit]) => has(bit)).map(([, name]) => name)
  for (let bit = 0x200; bit <= mask && bit < 2 ** 52; bit *= 2) if (has(bit)) names.push(`0x${bit.toString(16)}`)
  return names
}
