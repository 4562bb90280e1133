"""The main job: what there is to do as plain data (plan), and doing it on this machine (local)."""
