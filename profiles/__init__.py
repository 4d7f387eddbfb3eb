"""Weather → what the sun, the wind, the rivers and the consumers offer and ask, hour by hour."""
