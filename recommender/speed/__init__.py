"""The measured speed of this machine and of its devices.

- `machine_speed`: the speed of this machine, relative to the estimated time of a training.
- `device_speed`: the devices of a training, chosen by their measured speed.
"""
