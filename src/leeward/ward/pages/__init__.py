"""The board in the browser: pages that work without a script and load nothing from outside.

Here: view models (plain words and moments for templates), templates, a style sheet and small own modules. Not here: any
grading, any reading of the store past what `world` offers, any second copy of what report/ draws or says.
"""
