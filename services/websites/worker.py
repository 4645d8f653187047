"""Facts of other departments that websites hears: none yet."""


class Worker:
    name = "websites"
