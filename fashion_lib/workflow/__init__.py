"""The main job: what there is to do as plain data (plan), doing it on this machine (local), and as steps of a batch."""
