"""The server: MLServer with runtimes, limits and a path for raw tensors of its own.

MLServer and tritonclient register the same protobuf names, so that one process imports either this package or
`nanosieve.farm.service.client`, never both.
"""
