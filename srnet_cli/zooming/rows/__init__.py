"""Rows of a result on the device that computed them: put together, corrected, reduced and rounded there."""
