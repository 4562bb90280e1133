"""Many runs and notebooks in one job."""
