"""How much wind and PV the system takes: why it was curtailed, what would help, and how much more fits in."""
