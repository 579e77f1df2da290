"""The LSTM over a sequence, and backpropagation through time."""

__all__: list[str] = []
