/** Where the formulas come from. Every explained number names one of these. */
export interface Source {
  readonly title: string
  readonly url: string
  /** When figures were taken from it, where they may change. */
  readonly read?: string
}

export const sources = {
  transformerMath: { title: 'Transformer Math 101, EleutherAI', url: 'https://blog.eleuther.ai/transformer-math/' },
  palm: { title: 'PaLM, appendix B (Chowdhery et al. 2022)', url: 'https://arxiv.org/abs/2204.02311' },
  sc21: {
    title: 'Efficient Large-Scale Language Model Training (Narayanan et al., SC21)',
    url: 'https://arxiv.org/abs/2104.04473',
  },
  recomputation: {
    title: 'Reducing Activation Recomputation in Large Transformer Models (Korthikanti et al. 2022)',
    url: 'https://arxiv.org/abs/2205.05198',
  },
  zero: { title: 'ZeRO (Rajbhandari et al. 2019), table 1', url: 'https://arxiv.org/abs/1910.02054' },
  adam8bit: {
    title: '8-bit Optimizers via Block-wise Quantization (Dettmers et al. 2021)',
    url: 'https://arxiv.org/abs/2110.02861',
  },
  mixedPrecision: {
    title: 'Mixed Precision Training (Micikevicius et al. 2017)',
    url: 'https://arxiv.org/abs/1710.03740',
  },
  autocast: { title: 'PyTorch automatic mixed precision', url: 'https://pytorch.org/docs/stable/amp.html' },
  fsdp: { title: 'PyTorch FSDP (Zhao et al. 2023)', url: 'https://arxiv.org/abs/2304.11277' },
  flashAttention: { title: 'FlashAttention (Dao et al. 2022)', url: 'https://arxiv.org/abs/2205.14135' },
  glu: { title: 'GLU Variants Improve Transformer (Shazeer 2020)', url: 'https://arxiv.org/abs/2002.05202' },
  gpt2: { title: 'GPT-2 (Radford et al. 2019), model code', url: 'https://github.com/openai/gpt-2' },
  llama: { title: 'LLaMA (Touvron et al. 2023)', url: 'https://arxiv.org/abs/2302.13971' },
  megatron: { title: 'Megatron-LM (Shoeybi et al. 2019)', url: 'https://arxiv.org/abs/1909.08053' },
  megatronCode: {
    title: 'Megatron-LM, theoretical_memory_usage.py',
    url: 'https://github.com/NVIDIA/Megatron-LM/blob/main/megatron/training/theoretical_memory_usage.py',
  },
  ringAttention: { title: 'Ring Attention (Liu et al. 2023)', url: 'https://arxiv.org/abs/2310.01889' },
  nccl: {
    title: 'NCCL tests, bus bandwidth',
    url: 'https://github.com/NVIDIA/nccl-tests/blob/master/doc/PERFORMANCE.md',
  },
  megatronCore: {
    title: 'Megatron-Core, mixture of experts',
    url: 'https://github.com/NVIDIA/Megatron-LM/tree/main/megatron/core/transformer/moe',
  },
  torchtitan: {
    title: 'torchtitan, selective activation checkpointing by operation',
    url: 'https://github.com/pytorch/torchtitan/blob/b5bcd76/torchtitan/distributed/activation_checkpoint.py',
  },
  caching: {
    title: 'PyTorch, memory management of the caching allocator',
    url: 'https://docs.pytorch.org/docs/stable/notes/cuda.html#memory-management',
  },
  anatomy: {
    title: 'transformers, anatomy of model training',
    url: 'https://huggingface.co/docs/transformers/model_memory_anatomy',
  },
  t5: { title: 'T5 (Raffel et al. 2019)', url: 'https://arxiv.org/abs/1910.10683' },
  vit: { title: 'An Image is Worth 16x16 Words (Dosovitskiy et al. 2020)', url: 'https://arxiv.org/abs/2010.11929' },
  chinchilla: { title: 'Chinchilla (Hoffmann et al. 2022)', url: 'https://arxiv.org/abs/2203.15556' },
  lora: { title: 'LoRA (Hu et al. 2021)', url: 'https://arxiv.org/abs/2106.09685' },
  inference: {
    title: 'Transformer Inference Arithmetic (Chen 2022)',
    url: 'https://kipp.ly/transformer-inference-arithmetic/',
  },
  deepseekV2: { title: 'DeepSeek-V2 (2024)', url: 'https://arxiv.org/abs/2405.04434' },
  input: { title: 'the configuration', url: '' },
} as const satisfies Record<string, Source>
