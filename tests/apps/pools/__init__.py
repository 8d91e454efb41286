"""Pools of connections, for pools.app and for the stress: see there."""
