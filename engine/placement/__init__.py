"""Where networks lie and how they are called: offload, streaming, CUDA graphs, compilation."""
