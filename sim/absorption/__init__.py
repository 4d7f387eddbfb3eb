"""What was curtailed and why, what would help, and how much more can be absorbed; sweeps over many cases."""
