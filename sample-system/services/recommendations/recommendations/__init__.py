"""recommendations: what is bought together with what an account has bought.

It follows the topic `orders`, learns from each `ORDER_PLACED` which SKUs one account has bought,
and shows an account what others bought besides the same SKUs. Nobody waits for it: while it is
away events wait on the topic, and the shop shows an empty shelf.

Layout:
* `entry`: the first thing in the process: arguments, configuration, exit codes
* `config`, `logs`, `trace`, `problem`, `figures`, `healthcheck`, `bugs`: what each service has
* `database`: the file, its migrations, and the inbox
* `shelf`: what is learnt and what is shown
* `event`: what is read from the topic
* `reader`: the way of one record, and the loop around it; `kafka`: the client that it reads with
* `dead_letters`: what could not be read, listed and replayed
* `tokens`: who asks, by auth's published keys
* `routes`: the HTTP side; `patient`, `unread`: its connections; `door`: its end
* `serve`: both sides from start to end
"""
