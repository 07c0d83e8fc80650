"""Methods compared on pairs of pictures: figures, their uncertainty, tables, plots and a report.

``measurement.evaluate`` measures; the other modules find the pairs and run the methods, and ``outputs`` draws
the results.
"""
