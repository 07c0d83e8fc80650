"""Methods compared on pairs of pictures: figures, their uncertainty, tables, plots and a report.

``runner.evaluate`` measures; the other modules find the pairs, run the methods and draw the results.
"""
