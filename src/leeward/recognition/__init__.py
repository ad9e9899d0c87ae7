"""Is it CRS: which therapy could cause this episode, and what else could.

Here: causes and look-alikes, each with what speaks for and against it. Not here: how severe it is (scales), what to do
(plan). Nothing here removes a possibility; it orders and explains them.
"""
