"""Facts of other departments that utilities hears: none yet."""


class Worker:
    name = "utilities"
