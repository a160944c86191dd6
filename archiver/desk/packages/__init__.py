"""Packages that people ask for at the desk: the orders, and what makes and removes them.

Imports the desk's file; what packs is handed in, since exports lie above the desk.
"""
