/** `ethtool -S INTERFACE`: statistics of a network card. It does not say of which. */
import { textForm } from '../form'
import { driverCounters, parseStatistics } from '../kernel/ethtool'

/** Without the heading (it is often cut off by grep) at least so many names must be known. */
const LEAST_WITHOUT_HEADING = 2

export const ethtoolStatistics = textForm({
  name: 'ethtool-statistics',
  tool: 'ethtool',
  help: 'errors, discards, pause frames and bytes of a card from `ethtool -S`',
  origin: 'https://man7.org/linux/man-pages/man8/ethtool.8.html',
  begins: /NIC statistics:/,
  parse(text) {
    const { statistics, heading, device, linesRead, linesUnread } = parseStatistics(text)
    const { receiveBytes, transmitBytes, errors } = driverCounters(statistics)
    const known = Object.keys(errors).length + [receiveBytes, transmitBytes].filter(bytes => bytes !== undefined).length
    if (heading ? linesRead < 2 : known < LEAST_WITHOUT_HEADING || linesUnread > 0) return undefined
    const said = {
      ...(device === undefined ? {} : { device }),
      ...(receiveBytes === undefined ? {} : { receiveBytes }),
      ...(transmitBytes === undefined ? {} : { transmitBytes }),
    }
    const some = Object.keys(errors).length > 0
    return { records: [{ kind: 'link', ...said, ...(some ? { errors } : {}) }], linesRead, linesUnread }
  },
})
