"""Inference as a service: latency, throughput, saturation, and what it means for a farm."""
