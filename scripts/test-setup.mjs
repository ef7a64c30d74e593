// All that `npm test` needs beside npm's packages, one after the other: apt does one thing at a time.
await import('./deploy-setup.mjs')
await import('./real-setup.mjs')
