// Loaded into a process before all else: its clock is off by the seconds that a file says, looked at 20 times a second.
import { readFileSync } from 'node:fs'

const file = process.env.CHAOS_CLOCK
let offset = 0
const look = () => {
  try {
    offset = Number(readFileSync(file, 'utf8')) * 1000 || 0
  } catch {
    offset = 0
  }
}
look()
setInterval(look, 50).unref()
const now = Date.now.bind(Date)
Date.now = () => now() + offset
