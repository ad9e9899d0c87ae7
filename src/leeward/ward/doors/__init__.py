"""The doors of the service: each file brings in or gives out in one form, and mounts its routes with `router`."""
