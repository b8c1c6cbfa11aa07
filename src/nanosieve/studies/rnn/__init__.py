"""The study ``rnn`` (arXiv:2207.00559)."""
