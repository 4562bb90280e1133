"""The notebooks' own house: parameters, sources, execution, README, report, doctor."""
