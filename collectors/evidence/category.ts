/** What an allocation is for, by the frames that asked for it. */
import { CATEGORIES, type Category } from '../../wire/memory-categories'
import type { Frame, StackTable } from './stacks'

/** The innermost frame that matches one of these says what it is; of one frame the first rule. */
const RULES: readonly (readonly [category: Category, file: RegExp, name: RegExp])[] = [
  [
    'communication',
    /distributed_c10d|fsdp|fully_sharded|reducer|param_and_grad_buffer|nccl|deepspeed.{0,40}comm|_collective/i,
    /all_?gather|reduce_?scatter|all_?reduce|all_?to_?all|broadcast|_get_buffer|Reducer::/i,
  ],
  ['gradients', /AccumulateGrad|accumulate_grad/i, /AccumulateGrad|main_grad|_accumulate_grad/],
  [
    'optimizer',
    /[\\/]optim(?:izers?)?[\\/]|adamw?\.py|optimizer/i,
    /^(?:_init_group|_init_state|initialize_optimizer_states)$/,
  ],
  ['backward', /autograd[\\/]engine|torch[\\/]autograd[\\/]|engine\.cpp/i, /^backward$|run_backward|Engine::|Backward/],
  [
    'parameters',
    /nn[\\/](?:init|parameter)\.py|safetensors|modeling_utils|accelerate[\\/]utils[\\/]modeling/i,
    /^(?:_apply|_?to_empty|reset_parameters|_?load_(?:state_dict|pretrained_model|checkpoint)|_load_from_state_dict|from_pretrained|materialize\w{0,20}|__init__|_?init_weights)$/,
  ],
  [
    'input',
    /dataloader|[\\/]data[\\/]|dataset/i,
    /^(?:pin_memory|get_batch|collate\w{0,20}|send_to_device|_prepare_inputs?)$/,
  ],
  [
    'activations',
    /[\\/]nn[\\/]functional\.py/,
    /^(?:forward|_call_impl|_wrapped_call_impl|loss\w{0,20})$|_?forward|attention|checkpoint/i,
  ],
]

const ruleOf = ({ file, name }: Frame): Category | undefined =>
  RULES.find(([, files, names]) => names.test(name) || files.test(file))?.[0]

/** Gives the category's number of a stack, each stack looked at once. */
export function categories(stacks: StackTable): (stack: number) => number {
  const byFrame = new Map<number, Category | undefined>()
  const byStack = new Map<number, number>()
  const frameCategory = (number: number): Category | undefined => {
    if (!byFrame.has(number)) byFrame.set(number, ruleOf(stacks.frames[number] ?? { file: '', line: 0, name: '' }))
    return byFrame.get(number)
  }
  const look = (stack: number): Category => {
    const found = Array.from(stacks.of(stack), frameCategory).filter(one => one !== undefined)
    // What is made in a forward pass under a backward pass is recomputed: it is an activation all the same.
    return found[0] ?? 'other'
  }
  return stack => {
    const known = byStack.get(stack)
    if (known !== undefined) return known
    const number = CATEGORIES.indexOf(look(stack))
    byStack.set(stack, number)
    return number
  }
}
