"""Which farm? Designs of trigger farms side by side: physics kept, cost, power, latency, losses."""
