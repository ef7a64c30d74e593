import { join } from 'node:path'
import { packageRoot } from '../base/root'

/** The folder that holds `plumbline_hook.py`, for PYTHONPATH. The agent alone unpacks it: `alone/hook-folder.ts`. */
export const hookFolder: (data: string) => string = () => join(packageRoot, 'hook')
