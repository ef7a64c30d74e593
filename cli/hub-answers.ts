/** Whether a hub is there. */
export async function hubAnswers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/health`, { signal: AbortSignal.timeout(1000) })).ok
  } catch {
    return false
  }
}
