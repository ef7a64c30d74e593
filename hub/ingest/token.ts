/** The secret that who sends to this hub must show. */
import { createHash, timingSafeEqual } from 'node:crypto'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** True where the hub asks for none. Digests have one length: the comparison takes the same time whatever was sent. */
export const showsToken = (shown: string | undefined, token: string): boolean =>
  token === '' || timingSafeEqual(digest(shown ?? ''), digest(token))
