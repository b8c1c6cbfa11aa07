"""The study ``muon-compression`` (Francescato et al., EPJC 81 (2021) 969)."""
