"""Whether supply is enough when units fail: adequacy by simulation and by convolution, capacity credit."""
