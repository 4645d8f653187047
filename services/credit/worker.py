"""Facts of other departments that credit hears: none yet."""


class Worker:
    name = "credit"
