/** What memory on a device is held for, as an allocator's snapshot and the page count it. */
export const CATEGORIES = [
  'parameters',
  'gradients',
  'optimizer',
  'activations',
  'backward',
  'communication',
  'input',
  'other',
] as const
export type Category = (typeof CATEGORIES)[number]
