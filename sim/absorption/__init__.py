"""How much wind and PV the system takes: why some was curtailed, what would help, how much more can come."""
