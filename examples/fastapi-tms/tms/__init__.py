"""A small TMS, to start from: loads in PostgreSQL, tendered to carriers that run driverless trucks, followed to their delivery.

* `app`: the web application, its start and its end. * `orders`: what a customer ordered, as a load of the contract.
* `store`: what is in the database, and how it got there. * `consumer`: carriers' events, applied exactly once.
"""
