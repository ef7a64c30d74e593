/** The keys of the page, as `?` tells them. */
export const KEYS = [
  { keys: ['Ctrl K', '/'], does: 'go to a page, a run, a rank' },
  { keys: ['?'], does: 'these keys' },
  { keys: ['g r', 'g m', 'g c', 'g s'], does: 'runs, compare, cluster, settings' },
  { keys: ['1', '…', '9'], does: 'pages of the run, as their tabs stand' },
  { keys: ['+', '−'], does: 'less time, more time' },
  { keys: [',', '.'], does: 'earlier, later' },
  { keys: ['0'], does: 'all of the run' },
  { keys: ['n', 'Shift click'], does: 'a note where the pointer is on the charts' },
  { keys: ['←', '→'], does: 'on a chart or a map: along it; with Shift faster' },
  { keys: ['↑', '↓', 'Enter'], does: 'on a map or a table: from row to row, and open it' },
  { keys: ['Esc'], does: 'close what is open' },
] as const
