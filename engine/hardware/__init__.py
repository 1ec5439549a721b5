"""The machine: devices, threads, memory, ways of calculating."""
