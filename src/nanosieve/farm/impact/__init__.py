"""The physics that a farm keeps: benchmark signals, classes of events, thresholds at the rates of a design."""
