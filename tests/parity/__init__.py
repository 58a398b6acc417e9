"""The table that compares every function with PyTorch and JAX, and the two peers.

rows      what is compared: the functions' names, their arguments and options
problem   what is asked about a row, and the answers of this package
torch_peer, jax_peer
          a peer's counterpart of each name, and its answers; imported where the peer is installed
programs  random programs of one table of operations, which PyTorch runs as well
"""
