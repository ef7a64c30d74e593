"""The cookbook's calculators over the plans of a search: what fits, by its memory. Prints seconds for so many candidates.

    python3 cookbook-search.py CALC_FOLDER CANDIDATES
"""
import contextlib
import importlib
import io
import itertools
import sys
import time

folder, candidates = sys.argv[1], int(sys.argv[2])
sys.path.insert(0, folder)
memory = importlib.import_module('calc_transformer_mem')
flops = importlib.import_module('calc_transformer_flops')

MODEL = {'num_layers': 80, 'hidden_size': 8192, 'num_attention_heads': 64, 'sequence_length': 8192,
         'vocab_size': 128256, 'ffn_expansion_factor': 3.5, 'num_mlp_linears': 3}
DEVICES = 16384
CAPACITY_GIB = 72
ANSWER = 'Per-GPU Memory Required for Training: '

plans = itertools.cycle(itertools.product([1, 2, 4, 8], [1, 2, 4, 8, 16, 32, 64], [0, 1, 2, 3], [1, 2, 4, 8, 16], [True, False]))
fitting = []
began = time.perf_counter()
for tensor, pipeline, zero, micro, checkpointed in itertools.islice(plans, candidates):
    args = memory.config_parser().parse_args([])
    vars(args).update(MODEL, num_gpus=DEVICES, tensor_parallel_size=tensor, pipeline_parallel_size=pipeline, zero_stage=zero,
                      batch_size_per_gpu=micro, checkpoint_activations=checkpointed, partition_activations=True)
    # The calculators answer by printing.
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        memory.calc_mem(args)
        work = flops.config_parser().parse_args([])
        work.checkpoint_activations = checkpointed
        flops.calc_flops(work)
    text = printed.getvalue()
    needed = float(text[text.index(ANSWER) + len(ANSWER):].split(' ', 1)[0])
    if needed <= CAPACITY_GIB:
        fitting.append((needed, tensor, pipeline, zero, micro, checkpointed))
fitting.sort()
print(time.perf_counter() - began)
