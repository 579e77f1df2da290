"""Products of matrices: matmul, affine (the dense layer), einsum."""

__all__: list[str] = []
